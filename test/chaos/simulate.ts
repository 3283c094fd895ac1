import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish, rounded } from '../bench/support/report.ts';
import { median, quantile } from '../bench/support/statistics.ts';
import { BROKEN_RULES } from './simulation/broken-rules.ts';
import { PLANS } from './simulation/plans.ts';
import { type RunResult, runSeed } from './simulation/run.ts';

/** Seeds after which a broken rule that nobody noticed counts as not noticed. */
const SEEDS_PER_RULE = 400;

/**
 * Runs the real control code through seeded faults in a simulated world:
 * `npm run simulate [-- --runs N --seed S --plan NAME --story --json FILE]`. `--story` prints what happened in each run: replay a seed with
 * `--seed S --runs 1 --story`. Exit code 1 when an invariant was broken, or a rule was broken on purpose and nobody noticed.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '2000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      plan: { type: 'string' },
      story: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const runs = Number(values.runs);
  const seed = Number(values.seed);
  const names = values.plan === undefined ? Object.keys(PLANS) : [values.plan];
  const listen = values.story ? { listen: (line: string) => process.stdout.write(`${line}\n`) } : {};
  process.stderr.write(`seed ${seed}\n`);

  const began = performance.now();
  const results: RunResult[] = [];
  const broken: string[] = [];
  for (let run = 0; run < runs && !signal.aborted; run += 1) {
    // Half of all runs go through any faults; the others through each of the plans that aim at something.
    const name = names[run % 2 === 0 ? 0 : ((run - 1) / 2) % names.length] ?? 'anything';
    const plan = PLANS[name];
    if (!plan) throw new Error(`--plan must be one of ${Object.keys(PLANS).join(', ')}, not ${name}`);
    const result = await runSeed(seed + run, { plan, ...listen });
    results.push(result);
    for (const violation of result.violations) {
      const line = `seed ${result.seed}, plan "${name}": ${violation}`;
      broken.push(line);
      process.stdout.write(`${line}\n`);
    }
  }
  const seconds = (performance.now() - began) / 1000;

  const caught: [string, string][] = [];
  const missed: string[] = [];
  if (values.plan === undefined && !values.story) {
    for (const [rule, { rules, plan }] of Object.entries(BROKEN_RULES)) {
      let tries = 0;
      let found: string | undefined;
      while (found === undefined && tries < SEEDS_PER_RULE && !signal.aborted) {
        const result = await runSeed(seed + tries, { rules, plan });
        found = result.violations[0];
        tries += 1;
      }
      if (found === undefined) missed.push(rule);
      caught.push([
        `rule broken: ${rule}`,
        found === undefined ? 'NOT NOTICED' : `noticed at seed ${tries} of ${SEEDS_PER_RULE}`,
      ]);
    }
  }

  const recoveries = results.map(({ longestGap }) => longestGap / 1000);
  await publish(
    {
      name: 'simulate',
      title: 'Ownership and failover in simulation: 4 instances, 2 routers, 8 workspaces',
      runs: results.length,
      versions: {},
      figures: {
        runs: results.length,
        faults: results.reduce((sum, { faults }) => sum + faults, 0),
        invariants_broken: broken.length,
        overlap_s_max: Math.max(0, ...results.map(({ overlap }) => overlap)) / 1000,
        runs_per_s: rounded(results.length / seconds),
        rules_noticed: caught.length - missed.length,
        rules_broken: caught.length,
      },
      rows: [
        ['invariants broken', broken.length],
        ['runs per second', rounded(results.length / seconds)],
        ['simulated hours', rounded(results.reduce((sum, { simulated }) => sum + simulated, 0) / 3_600_000)],
        [
          'longest time without a browser: median, p99, s',
          `${rounded(median(recoveries))}, ${rounded(quantile(recoveries, 0.99))}`,
        ],
        ...caught,
      ],
      details: { broken, missed, seed },
    },
    { quick: false, json: values.json },
  );
  return broken.length === 0 && missed.length === 0 ? 0 : 1;
});
