import { z } from 'zod';
import { systemClock } from '../../common/clock.ts';
import type { RouterClient } from '../client.ts';
import { CommandFailure } from '../failure.ts';
import { type FleetView, hasLeft, type InstanceView, isWell, stateOf } from '../fleet-view.ts';
import { count } from '../output/text.ts';
import { askFleet, drain, instanceOf, instancePath } from './instances.ts';
import { askPatiently, followMoves, hasFailed, type MoveView, moveSchema, pause } from './moves.ts';
import type { Progress } from './progress.ts';

/** Milliseconds an instance may take to be back. */
const BACK = 180_000;

/** What a rolling restart works with. */
export interface RollingParts {
  router: RouterClient;
  /** The same, for what is put right after Ctrl-C. */
  afterStop: RouterClient;
  signal: AbortSignal;
  progress: Progress;
}

/** What was done with an instance. */
export interface Restarted {
  instance: string;
  /** Workspaces that were away for the restart, and are back. */
  moved: number;
  /** Those that did not come back; they are well where they are. */
  elsewhere: number;
  milliseconds: number;
}

/**
 * Restarts instances one after another, each empty while it is restarted, so that no request fails: drain, restart, wait until it is well,
 * take the drain back, bring back what was on it.
 *
 * The command drives this, and not the leader: each step is a wish that the fleet keeps by itself, so that nothing is lost with the command,
 * and a person is there to see that something does not go as it should. Run again, it restarts what has not been since `since`.
 *
 * @throws CommandFailure at the first thing that does not go well; no further instance is touched then
 */
export async function restartOneByOne(
  parts: RollingParts,
  instances: readonly string[],
  since: Date | undefined,
): Promise<Restarted[]> {
  const { router, signal, progress } = parts;
  const restarted: Restarted[] = [];
  for (const [index, id] of instances.entries()) {
    const fleet = await askFleet(router, signal);
    requireWell(fleet, id);
    const label = `${id} (${index + 1} of ${instances.length})`;
    if (isDone(instanceOf(fleet, id), since)) {
      progress.say(`${label}: restarted already`);
      continue;
    }
    progress.say(`${label}: restarting`);
    const done = await restartEmpty(parts, instanceOf(fleet, id));
    const away = done.elsewhere > 0 ? `, ${done.elsewhere} did not come back` : '';
    progress.say(
      `${label}: done in ${Math.round(done.milliseconds / 1000)} s, ${count(done.moved, 'workspace')} back${away}`,
    );
    restarted.push(done);
  }
  return restarted;
}

/** One instance at a time may be missing: with another away as well, requests would fail. */
function requireWell(fleet: FleetView, id: string): void {
  const here = instanceOf(fleet, id);
  if (fleet.frozen)
    throw new CommandFailure(
      `The fleet is frozen: ${fleet.frozen.instances.join(', ')} lost. Mend that first; see "wharf status".`,
      { code: 'not_well' },
    );
  const ill = fleet.instances.filter((each) => !isWell(each) && (each === here || !hasLeft(each)));
  if (ill.length > 0) {
    const names = ill
      .map((each) => `${each.id} is ${each.verdict ? stateOf(each) : 'not judged yet'}`)
      .join(', ');
    throw new CommandFailure(
      `${names}: one instance is restarted at a time, while all others are well. Mend that first, then run the command again.`,
      { code: 'not_well' },
    );
  }
}

function isDone({ started_at }: InstanceView, since: Date | undefined): boolean {
  return since !== undefined && started_at !== undefined && Date.parse(started_at) > since.getTime();
}

async function restartEmpty(parts: RollingParts, before: InstanceView): Promise<Restarted> {
  const { router, signal, progress } = parts;
  const { id } = before;
  const started = systemClock.monotonic();
  // Who drained it before wants it so.
  const wasDraining = before.draining === true;
  let gone: MoveView[];
  try {
    gone = await drain(router, signal, id, progress);
    await router.ask(z.unknown(), { method: 'POST', path: instancePath(id, 'restart') });
    await waitUntilBack(parts, before);
  } catch (error) {
    // Stopped half-way, it must not be left empty for good.
    if (signal.aborted && !wasDraining) await undrain(parts.afterStop, id).catch(() => undefined);
    throw error;
  }
  if (wasDraining) {
    progress.say(`${id} was draining before, and is left so: wharf undrain ${id}`);
    return {
      instance: id,
      moved: 0,
      elsewhere: gone.length,
      milliseconds: systemClock.monotonic() - started,
    };
  }
  await askPatiently(signal, () => undrain(router, id));
  const back = await bringBack(parts, id, gone);
  const elsewhere = gone.length - back;
  return { instance: id, moved: back, elsewhere, milliseconds: systemClock.monotonic() - started };
}

async function undrain(router: RouterClient, instance: string): Promise<void> {
  await router.ask(z.unknown(), { method: 'DELETE', path: instancePath(instance, 'drain') });
}

/** Another incarnation, judged well. */
async function waitUntilBack(
  { router, signal, progress }: RollingParts,
  before: InstanceView,
): Promise<void> {
  const end = systemClock.monotonic() + BACK;
  for (;;) {
    const now = instanceOf(await askFleet(router, signal), before.id);
    const isAnother = now.incarnation !== undefined && now.incarnation !== before.incarnation;
    if (isAnother && isWell(now)) return;
    progress.at(`${before.id}: waiting until it is back (${isAnother ? stateOf(now) : 'restarting'})`);
    if (systemClock.monotonic() > end)
      throw new CommandFailure(
        `${before.id} is not back after ${BACK / 1000} s (${stateOf(now)}${now.verdict_reason ? `: ${now.verdict_reason}` : ''}). It is empty and draining, so that nothing waits for it. Look at its log; then run the command again.`,
        { code: 'not_back' },
      );
    await pause(signal);
  }
}

/** Moves back what was moved away; how many came. What cannot come is well where it is. */
async function bringBack(parts: RollingParts, instance: string, gone: readonly MoveView[]): Promise<number> {
  const { router, signal, progress } = parts;
  const begun: MoveView[] = [];
  for (const { workspace_id } of gone) {
    try {
      const path = `/api/fleet/workspaces/${encodeURIComponent(String(workspace_id))}/move`;
      const ask = () => router.ask(moveSchema, { method: 'POST', path, body: { to: instance } });
      begun.push(await askPatiently(signal, ask));
    } catch (error) {
      if (!(error instanceof CommandFailure) || signal.aborted) throw error;
      progress.say(`workspace ${workspace_id} stays elsewhere: ${error.message}`);
    }
  }
  const ended = await followMoves(router, signal, begun, progress, {
    what: `back on ${instance}`,
  });
  return ended.filter((move) => !hasFailed(move)).length;
}
