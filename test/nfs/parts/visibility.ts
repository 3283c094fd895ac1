import { setTimeout as sleep } from 'node:timers/promises';
import { median, quantile } from '../../bench/support/statistics.ts';
import type { SeededRandom } from '../../helpers/random.ts';
import type { Look, LookEvent, Looked } from '../guest/looks.ts';
import { MOUNT } from '../machines/fleet.ts';
import type { Worker } from '../machines/worker.ts';

export const LOOKS: readonly Look[] = ['open', 'list', 'open and list', 'highest()'];

/** Between two looks at one name, milliseconds. */
const PAUSE = 100;

/** How soon something was seen on the other client, milliseconds after its maker was told that it is done. */
export interface Delay {
  samples: number;
  median: number;
  p95: number;
  max: number;
  /** How long one look took. */
  look_median: number;
  look_max: number;
}

/** How old what looks showed was. */
export interface Staleness {
  /**
   * The longest time between a claim's return to its maker and the beginning of a look that did not show it, milliseconds: what `T_wait`
   * must have more than `T_auth`. Clocks are compared through the host: right to some milliseconds.
   */
  stale_max: number;
  /** Claims that a look begun more than 25 ms after them did not show. */
  stale: number;
}

/**
 * How soon a claim that `writer` makes shows to `reader`, who has looked for its name before it was there.
 *
 * @param label a name of its own for this measurement's files
 */
export async function claimDelay(
  { writer, reader, random }: { writer: Worker; reader: Worker; random: SeededRandom },
  how: Look,
  label: string,
  samples: number,
): Promise<Delay & Staleness> {
  const sessions = `${MOUNT}/sessions`;
  const workspaces = Array.from({ length: samples }, (_, index) => `${label}-${index}`);
  const claim = (workspace: string, epoch: number) =>
    writer.call('claim', { sessions, workspace, epoch, instance: 'instance-1' });
  for (const workspace of workspaces) await claim(workspace, 1);
  const made = new Map<string, number>();
  const seen = new Map<string, number>();
  let swept = () => {};
  const lookedOnce = new Promise<void>((resolve) => {
    swept = resolve;
  });
  const looking = reader.call<Looked>(
    'look',
    { sessions, workspaces, epoch: 2, how, pause: PAUSE },
    (event: LookEvent) => {
      if (event.seen !== undefined) seen.set(event.seen, performance.now());
      if (event.swept) swept();
    },
  );
  await Promise.race([lookedOnce, looking]);
  for (const workspace of workspaces) {
    await sleep(random.between(50, 600));
    await claim(workspace, 2);
    made.set(workspace, performance.now());
  }
  const { took, missed } = await looking;
  const ahead = await clockAhead(reader);
  const ages = workspaces.map((one) => (missed[one] ?? 0) + ahead - (made.get(one) ?? Number.NaN));
  const delays = workspaces.map((one) => (seen.get(one) ?? Number.NaN) - (made.get(one) ?? Number.NaN));
  return {
    ...delayOf(delays, took),
    stale_max: Math.max(0, Math.round(Math.max(...ages))),
    stale: ages.filter((age) => age > 25).length,
  };
}

/** By how much this process's clock is ahead of a machine's, milliseconds: from the quickest of some answers. */
async function clockAhead(worker: Worker): Promise<number> {
  let best = { took: Number.POSITIVE_INFINITY, ahead: 0 };
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const asked = performance.now();
    const there = await worker.call<number>('guestClock', {});
    const took = performance.now() - asked;
    if (took < best.took) best = { took, ahead: asked + took / 2 - there };
  }
  return best.ahead;
}

/** How soon a record replaced by `writer` shows to `reader`, and what its reads met meanwhile. */
export async function replaceDelay(
  { writer, reader, random }: { writer: Worker; reader: Worker; random: SeededRandom },
  label: string,
  samples: number,
): Promise<Delay & { errors_of_records: string; errors_of_plain_reads: string; went_back: number }> {
  const path = `${MOUNT}/${label}.json`;
  await writer.call('replace', { path, version: 0 });
  const made: number[] = [];
  const seen: { version: number; at: number }[] = [];
  const watching = reader.call<{
    plain: Record<string, number>;
    record: Record<string, number>;
    backwards: number;
  }>('watchVersions', { path, last: samples, pause: PAUSE }, ({ version }: { version: number }) => {
    seen.push({ version, at: performance.now() });
  });
  for (let version = 1; version <= samples; version += 1) {
    // In bursts of five, then a rest: a reader has been seen to stay behind after bursts.
    await sleep(version % 5 === 1 ? random.between(500, 1500) : random.between(0, 20));
    await writer.call('replace', { path, version });
    made.push(performance.now());
  }
  const found = await watching;
  const delays = made.map((at, index) => {
    const first = seen.find(({ version }) => version > index);
    // A version may be seen before its maker is told that it is done.
    return Math.max(0, (first?.at ?? Number.NaN) - at);
  });
  return {
    ...delayOf(delays, []),
    errors_of_records: shown(found.record),
    errors_of_plain_reads: shown(found.plain),
    went_back: found.backwards,
  };
}

function shown(errors: Record<string, number>): string {
  const all = Object.entries(errors).map(([code, times]) => `${code} ${times}`);
  return all.length === 0 ? 'none' : all.join(', ');
}

function delayOf(values: number[], took: number[]): Delay {
  const round = (value: number) => Math.round(value);
  return {
    samples: values.length,
    median: round(median(values)),
    p95: round(quantile(values, 0.95)),
    max: round(Math.max(...values)),
    look_median: round(median(took)),
    look_max: round(Math.max(...took)),
  };
}
