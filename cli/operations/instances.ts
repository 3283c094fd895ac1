import type { RouterClient } from '../client.ts';
import { CommandFailure } from '../failure.ts';
import { type FleetView, fleetSchema, type InstanceView } from '../fleet-view.ts';
import { count } from '../output/text.ts';
import {
  askPatiently,
  type Following,
  followMoves,
  hasFailed,
  type MoveView,
  movesFailure,
  movesSchema,
  pause,
} from './moves.ts';
import type { Progress } from './progress.ts';

/** Looks at an instance that was emptied before it is said not to be: routers hear of a change a moment after it. */
const LOOKS = 40;

/** A drain is asked for again after so many: something may have come while it began. */
const LOOKS_A_DRAIN = 10;

/** Path of what is done with an instance. */
export function instancePath(instance: string, below: string): string {
  return `/api/fleet/instances/${encodeURIComponent(instance)}/${below}`;
}

/** The fleet, asked patiently. */
export function askFleet(router: RouterClient, signal: AbortSignal): Promise<FleetView> {
  return askPatiently(signal, () => router.ask(fleetSchema, { method: 'GET', path: '/api/fleet' }));
}

/** An instance of a fleet. Throws CommandFailure `not_found`. */
export function instanceOf(fleet: FleetView, id: string): InstanceView {
  const found = fleet.instances.find((instance) => instance.id === id);
  if (found) return found;
  const known = fleet.instances.map((instance) => instance.id).join(', ') || 'none';
  throw new CommandFailure(`There is no instance ${id}. There are: ${known}.`, { code: 'not_found' });
}

/** Asks for a drain, and gives its moves. Throws CommandFailure. */
export async function beginDrain(router: RouterClient, instance: string): Promise<MoveView[]> {
  const path = instancePath(instance, 'drain');
  const { moves } = await router.ask(movesSchema, { method: 'POST', path });
  return moves;
}

/**
 * Drains an instance and waits until nothing is on it.
 *
 * @returns the moves, ended, none of them failed
 * @throws CommandFailure where moves failed, nothing moves any more, or something is left
 */
export async function drain(
  router: RouterClient,
  signal: AbortSignal,
  instance: string,
  progress: Progress,
  following: Pick<Following, 'still'> = {},
): Promise<MoveView[]> {
  const moves: MoveView[] = [];
  let left = 0;
  for (let look = 0; look < LOOKS; look += 1) {
    const begun = look % LOOKS_A_DRAIN === 0 ? await beginDrain(router, instance) : [];
    const ended = await followMoves(router, signal, begun, progress, {
      ...following,
      what: `moved off ${instance}`,
    });
    moves.push(...ended);
    const failure = movesFailure(
      ended,
      `${instance} is still draining: run the command again, or take it back with "wharf undrain ${instance}".`,
    );
    if (failure) throw failure;
    left = instanceOf(await askFleet(router, signal), instance).workspaces ?? 0;
    if (left === 0) return moves.filter((move) => !hasFailed(move));
    await pause(signal);
  }
  throw new CommandFailure(
    `${count(left, 'workspace')} came to ${instance} while it was drained, or cannot be moved now. It is still draining: run the command again; "wharf status" and "wharf events" say more.`,
    { code: 'not_empty' },
  );
}
