import { expect, it } from 'vitest';
import { proveRestores } from './live-restores.ts';
import { figuresOf, proveBackups } from './proof.ts';

/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 900_000;

const SESSIONS = 3;

/** A short run of `npm run prove:backups`. */
it('every archive of backups that are made while messages go both ways comes back without a QR, twice', {
  timeout: PATIENCE,
}, async () => {
  const said: string[] = [];
  const findings = await proveBackups(
    {
      sessions: SESSIONS,
      rounds: 2,
      megabytes: 1,
      pause: 200,
      gap: 3000,
      tars: false,
      say: (text) => said.push(text),
    },
    new AbortController().signal,
  );
  const figures = figuresOf(findings, SESSIONS);
  expect(figures, said.join('\n')).toMatchObject({ archives: 6, restored: 6, qr_asked: 0 });
  expect(figures['messages']).toBeGreaterThan(10);
  // Browsers ran, and were stopped for a moment.
  expect(findings.rounds.flatMap(({ frozen }) => frozen)).toHaveLength(6);
});

/** A short run of `npm run prove:restores`. */
it('restores go into a fleet that runs: the others answer, and all come back after the storage was emptied', {
  timeout: PATIENCE,
}, async () => {
  const said: string[] = [];
  const findings = await proveRestores({
    sessions: SESSIONS,
    megabytes: 1,
    restores: 2,
    unnoticed: 10,
    say: (text) => said.push(text),
  });
  expect(findings.failed, said.join('\n')).toEqual({});
  expect(findings.requests).toBeGreaterThan(10);
  expect(findings.wiped, said.join('\n')).toMatchObject({ notReady: [], qrAsked: 0 });
  expect(findings.sentAfterwards).toBe(SESSIONS);
});
