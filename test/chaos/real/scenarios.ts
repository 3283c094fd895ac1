import type { SeededRandom } from '../../helpers/random.ts';
import { PROCESS_SCENARIOS } from './scenarios/processes.ts';
import { REDIS_SCENARIOS } from './scenarios/redis.ts';
import { ROUTER_SCENARIOS } from './scenarios/routers.ts';
import { STORAGE_SCENARIOS } from './scenarios/storage.ts';
import type { Scenario } from './scene.ts';

/** All that the suite does to a fleet. */
export const SCENARIOS: readonly Scenario[] = [
  ...PROCESS_SCENARIOS,
  ...REDIS_SCENARIOS,
  ...STORAGE_SCENARIOS,
  ...ROUTER_SCENARIOS,
];

/** Scenarios in an order that the seed decides; those that need a fleet of the same kind follow each other, since a new one takes time. */
export function ordered(scenarios: readonly Scenario[], random: SeededRandom): Scenario[] {
  const shuffled = scenarios.map((scenario) => ({ scenario, place: random.between(0, 1) }));
  shuffled.sort((a, b) => a.place - b.place);
  const groups = new Map<string, Scenario[]>();
  for (const { scenario } of shuffled) {
    const kind = JSON.stringify(scenario.shape ?? {});
    groups.set(kind, [...(groups.get(kind) ?? []), scenario]);
  }
  return [...groups.values()].flat();
}
