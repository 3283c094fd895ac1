import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish } from '../bench/support/report.ts';
import { figuresOf, proveBackups } from './backups/proof.ts';

/**
 * The proof that every archive of backups that are made while messages go both ways comes back to ready without a QR, beside tars of the live share:
 * `npm run prove:backups [-- --sessions N --rounds R --profile-mb MB --pause MS --gap MS --without-tars --quick --json FILE]`.
 * Exit code 1 when one does not.
 */
await runProcess(async (signal) => {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string', default: '25' },
      rounds: { type: 'string', default: '20' },
      'profile-mb': { type: 'string', default: '0' },
      pause: { type: 'string', default: '1000' },
      gap: { type: 'string', default: '3000' },
      'without-tars': { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const began = performance.now();
  const sessions = values.quick ? 3 : whole('sessions', values.sessions, 1);
  const findings = await proveBackups(
    {
      sessions,
      rounds: values.quick ? 2 : whole('rounds', values.rounds, 1),
      megabytes: whole('profile-mb', values['profile-mb'], 0),
      pause: whole('pause', values.pause, 1),
      gap: whole('gap', values.gap, 0),
      tars: !values['without-tars'],
      say: (text) =>
        process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${text}\n`),
    },
    signal,
  );
  const figures = figuresOf(findings, sessions);
  const { archives = 0, restored = 0, qr_asked: qrAsked = 0 } = figures;
  const good = restored === archives && qrAsked === 0 && !signal.aborted;
  await publish(
    {
      name: 'backups-proof',
      title: `Archives of ${sessions} sessions, made while messages went both ways: ${good ? 'every one came back' : 'NOT ALL CAME BACK'}`,
      runs: findings.rounds.length,
      versions: {},
      figures,
      rows: Object.entries(figures),
      details: findings,
    },
    { json: values.json, quick: values.quick },
  );
  return good ? 0 : 1;
});

function whole(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least)
    throw new Error(`--${name} must be a whole number, at least ${least}, not ${text}`);
  return number;
}
