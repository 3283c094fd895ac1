import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish, rounded } from '../bench/support/report.ts';
import { median } from '../bench/support/statistics.ts';
import { proveRestores } from './backups/live-restores.ts';

/**
 * The proof that restores go into a fleet that runs: one session while all others keep answering, and everything after its storage was emptied under it:
 * `npm run prove:restores [-- --sessions N --profile-mb MB --restores R --unnoticed S --quick --json FILE]`.
 * Exit code 1 when a request failed, a session did not come back, or one asked for a QR.
 */
await runProcess(async () => {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string' },
      'profile-mb': { type: 'string', default: '2' },
      restores: { type: 'string' },
      unnoticed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const { quick, json } = values;
  const began = performance.now();
  const sessions = Number(values.sessions ?? (quick ? 4 : 25));
  const findings = await proveRestores({
    sessions,
    megabytes: Number(values['profile-mb']),
    restores: Number(values.restores ?? (quick ? 2 : 10)),
    unnoticed: Number(values.unnoticed ?? (quick ? 5 : 60)),
    say: (text) =>
      process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${text}\n`),
  });
  const failed = Object.values(findings.failed).reduce((sum, count) => sum + count, 0);
  const { wiped, one, sentAfterwards } = findings;
  const figures = {
    sessions,
    restore_one_s_p50: rounded(median(one), 2),
    restore_one_s_max: rounded(Math.max(...one), 2),
    requests: findings.requests,
    requests_failed: failed,
    wiped_done_s: rounded(wiped.done),
    wiped_all_ready_s: rounded(wiped.ready),
    wiped_not_ready: wiped.notReady.length,
    wiped_qr_asked_before: wiped.qrAskedBefore,
    wiped_qr_asked: wiped.qrAsked,
    wiped_sent_afterwards: sentAfterwards,
  };
  const good = failed + wiped.notReady.length + wiped.qrAsked === 0 && sentAfterwards === sessions;
  await publish(
    {
      name: 'restores-proof',
      title: `Restores into a fleet of ${sessions} sessions that runs: ${good ? 'all came back, no request failed' : 'BROKEN'}`,
      runs: one.length,
      versions: {},
      figures,
      rows: [
        [
          'one session restored, until ready: median / most, s',
          `${figures.restore_one_s_p50} / ${figures.restore_one_s_max}`,
        ],
        ['requests to the others meanwhile / failed', `${figures.requests} / ${failed}`],
        [
          'storage emptied: from `wharf restore` to its end / to the last session ready, s',
          `${figures.wiped_done_s} / ${figures.wiped_all_ready_s}`,
        ],
        [
          'not ready / QR asked for / sent a message afterwards',
          `${wiped.notReady.length} / ${wiped.qrAsked} / ${sentAfterwards}`,
        ],
      ],
      details: findings,
    },
    { json, quick },
  );
  return good ? 0 : 1;
});
