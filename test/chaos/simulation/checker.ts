import type { Move } from '../../../fleet/coordination.ts';
import { hasEnded } from '../../../fleet/coordination-rules.ts';
import type { WorkspaceId } from '../../../fleet/ids.ts';

/** A browser that is connected to WhatsApp and can send. */
export interface Connection {
  workspace: WorkspaceId;
  epoch: number;
  generation: number;
  host: string;
  since: number;
}

/** Sees what the browsers of a simulated world do, and says which of `design.md`'s invariants they broke. */
export class Checker {
  readonly violations: string[] = [];
  /** The longest time two browsers of one session were connected at once, milliseconds. */
  longestOverlap = 0;
  starts = 0;
  /** How long sessions were without a connected browser, each time, milliseconds. */
  readonly gaps: number[] = [];
  /** From when it is set, no browser may end. */
  calm = false;
  readonly #connected = new Map<WorkspaceId, Connection[]>();
  readonly #highestStarted = new Map<WorkspaceId, { epoch: number; host: string }>();
  readonly #lastSeen = new Map<WorkspaceId, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  connected(connection: Connection): void {
    this.starts += 1;
    const { workspace, epoch, host } = connection;
    const seen = this.#lastSeen.get(workspace);
    if (seen !== undefined && !this.isConnected(workspace)) this.gaps.push(this.#now() - seen);
    const others = this.#of(workspace);
    others.push(connection);
    const before = this.#highestStarted.get(workspace);
    if (before && (before.epoch > epoch || (before.epoch === epoch && before.host !== host))) {
      this.#violate(
        `workspace ${workspace}: ${host} started at epoch ${epoch} after ${before.host} at ${before.epoch}`,
      );
    }
    this.#highestStarted.set(workspace, { epoch, host });
    for (const other of others.slice(0, -1)) {
      this.#violate(
        `workspace ${workspace}: ${host} (epoch ${epoch}) connected while ${other.host} (epoch ${other.epoch}) was`,
      );
    }
  }

  disconnected(connection: Connection): void {
    const all = this.#of(connection.workspace);
    const index = all.indexOf(connection);
    if (index < 0) return;
    all.splice(index, 1);
    if (this.calm) {
      const { workspace, host, epoch } = connection;
      this.#violate(`workspace ${workspace}: its browser on ${host} (epoch ${epoch}) ended without need`);
    }
    this.#lastSeen.set(connection.workspace, this.#now());
    for (const other of all) {
      const overlap = this.#now() - Math.max(other.since, connection.since);
      this.longestOverlap = Math.max(this.longestOverlap, overlap);
    }
  }

  /** A new generation was made: whatever is still connected on an earlier one writes what is lost. */
  adopted(workspace: WorkspaceId, from: number, to: number, host: string): void {
    if (from > to)
      this.#violate(`workspace ${workspace}: ${host} made generation ${to} from the later ${from}`);
    for (const other of this.#of(workspace)) {
      this.#violate(
        `workspace ${workspace}: ${host} copied generation ${from} while ${other.host} still wrote to ${other.generation}`,
      );
    }
  }

  /** A move was written: one that ended, or was taken back, stays so, and one that began does not wait again. */
  moveSaved(before: Move | undefined, after: Move | undefined): void {
    if (!before || !after || before.state === after.state) return;
    if (hasEnded(before) || after.state === 'queued')
      this.#violate(`move ${after.id} of workspace ${after.workspace}: ${before.state}, then ${after.state}`);
  }

  /** At the end, when nothing was broken for long: each workspace has to run, once. */
  settled(workspaces: readonly WorkspaceId[], running: (workspace: WorkspaceId) => number): void {
    for (const workspace of workspaces) {
      const count = running(workspace);
      if (count !== 1) this.#violate(`workspace ${workspace} runs ${count} times after all was mended`);
    }
  }

  capacity(host: string, sessions: number, capacity: number): void {
    if (sessions > capacity) this.#violate(`${host} runs ${sessions} sessions and may run ${capacity}`);
  }

  /** Whether a workspace is connected now. */
  isConnected(workspace: WorkspaceId): boolean {
    return this.#of(workspace).length > 0;
  }

  #violate(what: string): void {
    this.violations.push(`at ${(this.#now() / 1000).toFixed(3)} s: ${what}`);
  }

  #of(workspace: WorkspaceId): Connection[] {
    let all = this.#connected.get(workspace);
    if (!all) {
      all = [];
      this.#connected.set(workspace, all);
    }
    return all;
  }
}
