import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../../bench/support/statistics.ts';
import type { SeededRandom } from '../../helpers/random.ts';
import { MOUNT } from '../machines/fleet.ts';
import type { Worker } from '../machines/worker.ts';

/** What came of claims that two clients made at the same moment. */
export interface Races {
  rounds: number;
  /** Rounds that each client won. */
  wins: [number, number];
  /** Rounds without a winner, with two, or where a client read another winner afterwards. */
  none: number;
  two: number;
  disagreed: number;
  /** Errors, each once. */
  errors: string[];
  /** How long a claim took, milliseconds. */
  took_median: number;
  took_max: number;
}

/** Both clients claim the same epoch of a workspace at the same moment, over and over. */
export async function raceClaims(
  workers: readonly [Worker, Worker],
  random: SeededRandom,
  workspace: string,
  rounds: number,
): Promise<Races> {
  const sessions = `${MOUNT}/sessions`;
  const found: Races = {
    ...{ rounds, wins: [0, 0], none: 0, two: 0, disagreed: 0, errors: [], took_median: 0, took_max: 0 },
  };
  const took: number[] = [];
  const attempt = async (index: 0 | 1, epoch: number, delay: number) => {
    await sleep(delay);
    try {
      const instance = `instance-${index + 1}`;
      const call = { sessions, workspace, epoch, instance };
      const answer = await workers[index].call<{ won: boolean; took: number }>('claim', call);
      took.push(answer.took);
      return answer.won;
    } catch (error) {
      const text = String(error);
      if (!found.errors.includes(text)) found.errors.push(text);
      return false;
    }
  };
  for (let epoch = 1; epoch <= rounds; epoch += 1) {
    const delay = random.between(0, 6);
    const late = random.oneOf([0, 1]);
    const [one, other] = await Promise.all([
      attempt(0, epoch, late === 0 ? delay : 0),
      attempt(1, epoch, late === 1 ? delay : 0),
    ]);
    if (one) found.wins[0] += 1;
    if (other) found.wins[1] += 1;
    if (one && other) found.two += 1;
    if (!one && !other) found.none += 1;
    for (const worker of workers) {
      const seen = await worker.call<{ epoch: number; instance: string }>('highest', { sessions, workspace });
      if (seen.epoch !== epoch || seen.instance !== (one ? 'instance-1' : 'instance-2')) found.disagreed += 1;
    }
  }
  found.took_median = Math.round(median(took));
  found.took_max = Math.round(Math.max(...took));
  return found;
}
