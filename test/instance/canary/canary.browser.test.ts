import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnv } from '../../../common/env.ts';
import { type CanaryReport, runCanary } from '../../../instance/canary/canary-client.ts';
import type { EmulatedWhatsApp } from '../../helpers/emulated-whatsapp.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp } from '../whatsapp/quirks/setup.ts';

const PHONE = '491700000051';
/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 600_000;

/** Runs a canary whose QR is scanned at once. */
async function canary(whatsapp: EmulatedWhatsApp, directory: string, logout = false): Promise<CanaryReport> {
  let report: CanaryReport | undefined;
  const given = { ...readEnv(), ...whatsapp.browserEnv };
  for await (const line of runCanary({ directory, logout }, given, new AbortController().signal)) {
    if (line.kind === 'qr') await whatsapp.post('/scan', { qr: line.qr, phone: PHONE, name: 'Canary' });
    if (line.kind === 'report') report = line.report;
  }
  if (!report) throw new Error('it ended without a report');
  return report;
}

const idsOf = (report: CanaryReport, status: string) =>
  report.checks.filter((check) => check.status === status).map(({ id }) => id);

describe('a canary', { timeout: PATIENCE }, () => {
  it('finds that all holds, is linked still in the next run, and names what is gone then', async () => {
    const whatsapp = await emulatedWhatsApp();
    const directory = join(await temporaryDirectory(), 'canary');

    const first = await canary(whatsapp, directory);
    expect(first.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(idsOf(first, 'skipped')).toEqual(['logout']);
    expect(first.versions.whatsapp_web).toMatch(/^2\./);

    // Both break one thing each: a module that nothing else needs, and a member of another.
    await whatsapp.post('/config', {
      missing_modules: ['WAWebVcardParsingUtils', 'WAWebChatLoadMessages.loadEarlierMsgs'],
    });
    const second = await canary(whatsapp, directory, true);
    const failed = second.checks.filter(({ status }) => status === 'failed');
    expect(failed.map(({ id, detail }) => [id, detail])).toEqual([
      ['history', expect.stringContaining('loadEarlierMsgs')],
      ['module:WAWebVcardParsingUtils', 'there is no module WAWebVcardParsingUtils'],
      ['module:WAWebChatLoadMessages', 'it has no loadEarlierMsgs'],
    ]);
    for (const { breaks, todo } of failed) {
      expect(breaks).not.toBe('');
      expect(todo).not.toBe('');
    }
    expect(idsOf(second, 'skipped')).toEqual(['link']);
  });
});
