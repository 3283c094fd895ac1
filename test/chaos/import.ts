import { parseArgs } from 'node:util';
import { runProcess } from '../../common/lifecycle.ts';
import { publish, rounded } from '../bench/support/report.ts';
import { proveImport } from './import/proof.ts';

/**
 * The proof that `wharf import` keeps accounts linked: plain whatsapp-web.js clients link them, end well or by SIGKILL, and their profiles are imported into a fleet that runs:
 * `npm run prove:import [-- --sessions N --profile-mb MB --quick --json FILE]`. Exit code 1 when one was not ready, asked for a QR, or an original was changed.
 */
await runProcess(async () => {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string' },
      'profile-mb': { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const { quick, json } = values;
  const began = performance.now();
  const sessions = Number(values.sessions ?? (quick ? 4 : 25));
  const found = await proveImport({
    sessions,
    megabytes: Number(values['profile-mb']),
    say: (text) =>
      process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} ${text}\n`),
  });
  const figures = {
    sessions,
    killed: found.killed,
    torn_logs: found.tornLogs,
    refused_in_use: found.refusedInUse,
    ready: found.ready,
    right_numbers: found.rightNumbers,
    qr_asked: found.qrAsked,
    sent: found.sent,
    imported_again: found.importedAgain,
    ready_after_restart: found.readyAfterRestart,
    originals_changed: found.originalsChanged,
    import_s: rounded(found.seconds),
  };
  const all = [found.ready, found.rightNumbers, found.sent, found.readyAfterRestart];
  const none = [found.qrAsked, found.importedAgain, found.originalsChanged];
  const good =
    all.every((count) => count === sessions) &&
    none.every((count) => count === 0) &&
    found.refusedInUse === 1;
  await publish(
    {
      name: 'import-proof',
      title: `${sessions} accounts of plain whatsapp-web.js clients imported into a fleet that runs: ${good ? 'all ready, no QR' : 'BROKEN'}`,
      runs: 1,
      versions: {},
      figures,
      rows: [
        ['clients ended by SIGKILL / torn logs mended', `${found.killed} / ${found.tornLogs}`],
        ['refused while its client ran', found.refusedInUse],
        ['ready / of the right account / sent a message', all.slice(0, 3).join(' / ')],
        ['ready after the next start', found.readyAfterRestart],
        ['QR asked for / imported twice / files of originals changed', none.join(' / ')],
        ['from the command to the last session ready, s', figures.import_s],
      ],
      details: found,
    },
    { json, quick },
  );
  return good ? 0 : 1;
});
