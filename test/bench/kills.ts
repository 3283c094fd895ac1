import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { SeededRandom } from '../helpers/random.ts';
import { KillableFleet } from './kills/fleet.ts';
import { Proof } from './kills/proof.ts';

/**
 * The proof that a kill destroys no session and loses no message (facts file, 14 and 16):
 * `npm run prove:kills [-- --rounds N --seed S --sessions K --json FILE]`. Exit code 1 when anything is wrong, and then the directory is kept.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      sessions: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'string' },
    },
  });
  const rounds = positive('rounds', values.rounds);
  const seed = positive('seed', values.seed);
  process.stderr.write(`seed ${seed}\n`);
  const proof = new Proof(await KillableFleet.start(), new SeededRandom(seed));
  let done = 0;
  try {
    await proof.link(positive('sessions', values.sessions));
    for (; done < rounds && !signal.aborted; done += 1) await proof.round(done + 1);
    await proof.report({ rounds: done, seed, json: values.json });
  } finally {
    await proof.close();
  }
  return proof.problems.length === 0 && done === rounds ? 0 : 1;
});

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} must be a whole number, at least 1, not ${text}`);
  return number;
}
