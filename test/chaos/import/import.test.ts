import { expect, it } from 'vitest';
import { proveImport } from './proof.ts';

/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 900_000;

/** One whose client was killed, and one whose client still ran when the import was first tried, and was stopped then. */
const SESSIONS = 2;

/** A short run of `npm run prove:import`. */
it('accounts that plain clients linked, of which some were killed, become sessions that are ready without a QR', {
  timeout: PATIENCE,
}, async () => {
  const said: string[] = [];
  const findings = await proveImport({ sessions: SESSIONS, megabytes: 0, say: (text) => said.push(text) });
  expect(findings, said.join('\n')).toMatchObject({
    refusedInUse: 1,
    killed: 1,
    ready: SESSIONS,
    rightNumbers: SESSIONS,
    qrAsked: 0,
    sent: SESSIONS,
    importedAgain: 0,
    readyAfterRestart: SESSIONS,
    originalsChanged: 0,
  });
});
