import type { Transport } from './transport.ts';
import type { Fleet, FleetEvent, Move, Operation, Queues, WorkspacePage } from './types.ts';

/** Events of the fleet that are shown. */
const EVENTS = 50;

/** Moves that are asked for: those that run, and the last that ended. */
const MOVES = 1000;

/** What only an admin's key may see and do; but a workspace's may ask for its queues. */
export class FleetApi {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(signal: AbortSignal): Promise<Fleet> {
    return this.#transport.ask('GET', '/api/fleet', { signal });
  }

  /** The moves that run, and the last that ended; oldest first. */
  async moves(signal: AbortSignal): Promise<Move[]> {
    const query = { limit: String(MOVES) };
    const answer = await this.#transport.ask<{ moves: Move[] }>('GET', '/api/fleet/moves', { query, signal });
    return answer.moves;
  }

  /** What happened to the fleet; the latest last. */
  async events(signal: AbortSignal): Promise<FleetEvent[]> {
    const query = { limit: String(EVENTS) };
    const answer = await this.#transport.ask<{ events: FleetEvent[] }>('GET', '/api/fleet/events', {
      query,
      signal,
    });
    return answer.events;
  }

  workspaces(query: Record<string, string>, signal: AbortSignal): Promise<WorkspacePage> {
    return this.#transport.ask('GET', '/api/fleet/workspaces', { query, signal });
  }

  /** A page of queues, the worst first, and what all that were asked for come to. */
  queues(query: Record<string, string>, signal: AbortSignal): Promise<Queues> {
    return this.#transport.ask('GET', '/api/fleet/queues', { query, signal });
  }

  /** Begins to move a workspace. */
  move(workspace: number | string, to: string): Promise<Move> {
    const where = `/api/fleet/workspaces/${encodeURIComponent(workspace)}/move`;
    return this.#transport.ask('POST', where, { body: { to } });
  }

  /** Begins to bring workspaces home; how many are moved: those that find room there. */
  async rebalance(): Promise<number> {
    const answer = await this.#transport.ask<{ moves: Move[] }>('POST', '/api/fleet/rebalance');
    return answer.moves.length;
  }

  async operate(operation: Exclude<Operation, { kind: 'rebalance' }>): Promise<void> {
    switch (operation.kind) {
      case 'unfreeze':
        await this.#transport.ask('POST', '/api/fleet/unfreeze');
        return;
      case 'restart':
        await this.#transport.ask('POST', instancePath(operation.instance, '/restart'));
        return;
      case 'drain':
        await this.#transport.ask('POST', instancePath(operation.instance, '/drain'));
        return;
      case 'undrain':
        await this.#transport.ask('DELETE', instancePath(operation.instance, '/drain'));
    }
  }
}

function instancePath(instance: string, below: string): string {
  return `/api/fleet/instances/${encodeURIComponent(instance)}${below}`;
}
