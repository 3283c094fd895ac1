import { describe, expect, it } from 'vitest';
import { BROKEN_RULES } from './broken-rules.ts';
import { ANYTHING, PLANS } from './plans.ts';
import { runSeed } from './run.ts';

/** Another seed each day, and the same all day: what CI found can be run again. */
const SEED = Math.floor(Date.now() / 86_400_000) * 1000;

/** Seeds after which a broken rule that nobody noticed counts as not noticed. */
const SEEDS_PER_RULE = 400;

describe('ownership and failover in simulation', () => {
  it.each(Object.entries(PLANS))(
    'hold the invariants through seeded faults: %s',
    async (name, plan) => {
      const runs = plan === ANYTHING ? 120 : 20;
      console.log(`plan "${name}": seeds ${SEED} to ${SEED + runs - 1}`);
      const broken: string[] = [];
      for (let seed = SEED; seed < SEED + runs; seed += 1) {
        const { violations } = await runSeed(seed, { plan });
        broken.push(...violations.map((violation) => `seed ${seed}: ${violation}`));
      }
      expect(broken).toEqual([]);
    },
    600_000,
  );

  it('run the same way each time', async () => {
    const stories: string[][] = [[], []];
    for (const story of stories) await runSeed(SEED, { listen: (line) => story.push(line) });
    expect(stories[0]?.length).toBeGreaterThan(50);
    expect(stories[0]).toEqual(stories[1]);
  }, 60_000);

  it.each(Object.entries(BROKEN_RULES))(
    'notice a rule that is broken: %s',
    async (_rule, { rules, plan }) => {
      let noticed: string | undefined;
      for (let seed = SEED; seed < SEED + SEEDS_PER_RULE && noticed === undefined; seed += 1)
        noticed = (await runSeed(seed, { rules, plan })).violations[0];
      expect(noticed).toBeDefined();
    },
    600_000,
  );
});
