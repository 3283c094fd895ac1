import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEnv } from '../../../common/env.ts';
import { SeededRandom } from '../../helpers/random.ts';
import { describeHosts } from '../hosts/describe-hosts.ts';
import { Campaign } from './campaign.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Scenario } from './scene.ts';

/** Those that end with another owner, and those that must not: one of each is played. Each takes less than a minute on two cores. */
const TAKEOVERS = ['tree-killed', 'host-lost', 'all-but-browsers-stopped', 'leader-killed-in-a-takeover'];
const NO_TAKEOVERS = ['instance-killed', 'redis-emptied', 'redis-killed', 'brick-killed'];

/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 600_000;

const seed = Number(readEnv()['WHARF_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const random = new SeededRandom(seed);
const chosen = [NO_TAKEOVERS, TAKEOVERS].map((names) => {
  const name = random.oneOf(names);
  return SCENARIOS.find((scenario) => scenario.name === name) as Scenario;
});

await describeHosts(`a fleet on hosts (seed ${seed}: npm run chaos plays everything)`, () => {
  let campaign: Campaign;
  beforeAll(() => {
    process.stderr.write(`chaos: seed ${seed}: ${chosen.map(({ name }) => name).join(', ')}\n`);
    campaign = new Campaign({ seed, sessions: 4, say: () => {} });
  });
  afterAll(() => campaign.close());

  for (const [index, scenario] of chosen.entries()) {
    it(`loses no session and no message, and asks for no QR: ${scenario.what}`, {
      timeout: PATIENCE,
    }, async () => {
      const { broken, faults, findings, story } = await campaign.play(scenario, index + 1);
      expect(broken, `seed ${seed}, ${faults.join('; ')}; what everybody wrote: ${story}`).toEqual([]);
      expect(findings?.overlapSeconds).toBe(0);
    });
  }
});
