import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish, rounded } from '../bench/support/report.ts';
import { SeededRandom } from '../helpers/random.ts';
import { whyNoHosts } from './hosts/requirements.ts';
import { Campaign, type ScenarioResult } from './real/campaign.ts';
import { ordered, SCENARIOS } from './real/scenarios.ts';

/**
 * The chaos suite on real processes, browsers, Redis and storage:
 * `npm run chaos [-- --seed N --minutes M --sessions K --only NAME,NAME --list --json FILE]`. The same seed plays the same scenarios with the same choices.
 * Begins no scenario after the minutes are over; without them each is played once. Exit code 1 when an invariant broke; then what everybody wrote is kept.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      minutes: { type: 'string' },
      sessions: { type: 'string', default: '5' },
      only: { type: 'string' },
      list: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  if (values.list) {
    for (const { name, what } of SCENARIOS) process.stdout.write(`${name}: ${what}\n`);
    return 0;
  }
  const reason = await whyNoHosts();
  if (reason !== undefined) throw new Error(`The chaos suite cannot run here: ${reason}`);
  const seed = wholeNumber('seed', values.seed);
  const sessions = wholeNumber('sessions', values.sessions);
  const chosen = chosenScenarios(values.only);
  const until =
    values.minutes === undefined
      ? undefined
      : performance.now() + wholeNumber('minutes', values.minutes) * 60_000;
  const began = performance.now();
  const say = (text: string) =>
    process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${text}\n`);
  say(`seed ${seed}`);
  const campaign = new Campaign({ seed, sessions, say });
  const random = new SeededRandom(seed);
  const results: ScenarioResult[] = [];
  const isOver = () => signal.aborted || (until !== undefined && performance.now() > until);
  try {
    do {
      for (const scenario of ordered(chosen, random)) {
        if (isOver()) break;
        results.push(await campaign.play(scenario, results.length + 1));
      }
    } while (until !== undefined && !isOver());
  } finally {
    await campaign.close();
  }
  await report(results, seed, values.json);
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1;
});

function chosenScenarios(only: string | undefined) {
  if (only === undefined) return SCENARIOS;
  return only.split(',').map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found === undefined)
      throw new Error(`--only names ${name}; there are ${SCENARIOS.map((each) => each.name).join(', ')}`);
    return found;
  });
}

async function report(
  results: readonly ScenarioResult[],
  seed: number,
  json: string | undefined,
): Promise<void> {
  const findings = results.flatMap((each) => each.findings ?? []);
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const most = (numbers: number[]) => Math.max(0, ...numbers);
  const answered = results.map(({ answers }) => answers);
  const figures = {
    runs: results.length,
    faults: sum(results.map(({ faults }) => faults.length)),
    invariants_broken: sum(results.map(({ broken }) => broken.length)),
    sessions_lost: sum(findings.map((each) => each.sessionsLost)),
    messages_lost: sum(findings.map((each) => each.messagesLost)),
    messages_duplicated: sum(findings.map((each) => each.messagesDuplicated)),
    overlap_s_max: rounded(most(findings.map((each) => each.overlapSeconds)), 3),
    qr_asked: sum(findings.map((each) => each.qrAsked)),
    rollbacks: sum(findings.map((each) => each.rollbacks)),
    messages_sent: sum(answered.map((each) => each.sent)),
    messages_refused: sum(answered.map((each) => each.notSent)),
    messages_unknown: sum(answered.map((each) => each.unknown)),
    messages_unknown_that_left: sum(findings.map((each) => each.unknownThatLeft)),
    recovery_s_max: rounded(most(results.flatMap(({ recoveries }) => recoveries))),
    gap_s_max: rounded(most(findings.map((each) => each.longestGapSeconds))),
  };
  const broken = results.filter((each) => each.broken.length > 0);
  await publish(
    {
      name: 'chaos',
      title: `Faults of processes, networks, storage, Redis and clocks, seed ${seed}: ${broken.length === 0 ? 'nothing lost' : `${broken.length} of ${results.length} scenarios BROKE something`}`,
      runs: results.length,
      versions: {},
      figures,
      rows: Object.entries(figures),
      details: { seed, results },
    },
    { json, quick: false },
  );
  for (const { scenario, story, broken: why } of broken)
    process.stdout.write(`${scenario}: ${why.join('\n  ')}\n  story: ${story}\n`);
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new Error(`--${name} must be a whole number, not ${text}`);
  return number;
}
