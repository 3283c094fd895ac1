import { describe, expect, it } from 'vitest';
import { compareReports } from '../../../cli/canary/compare.ts';
import { changesText, reportText } from '../../../cli/canary/text.ts';
import { createStyle } from '../../../cli/output/style.ts';
import type { CanaryReport, CheckResult } from '../../../instance/canary/canary-client.ts';

const check = (id: string, status: CheckResult['status']): CheckResult => ({
  id,
  status,
  title: `the title of ${id}`,
  detail: status === 'failed' ? 'what was found' : null,
  breaks: 'what breaks',
  todo: 'what to do',
  took_ms: 10,
});

function report(chromium: string, checks: CheckResult[]): CanaryReport {
  const versions = { whatsapp_web: '2.3000.1', whatsapp_web_js: '1.34.7', chromium, wharf: '1.0.0' };
  return { version: 1, at: '2026-11-22T09:00:00.000Z', versions, checks };
}

const style = createStyle(false);

describe('two reports of a canary', () => {
  it('differ in versions and in checks that came out otherwise; what was skipped tells nothing', () => {
    const before = report('156.0.1.1', [
      check('a', 'ok'),
      check('b', 'failed'),
      check('c', 'skipped'),
      check('d', 'ok'),
    ]);
    const now = report('157.0.1.1', [
      check('a', 'failed'),
      check('b', 'ok'),
      check('c', 'failed'),
      check('d', 'skipped'),
      check('e', 'ok'),
      check('f', 'failed'),
    ]);
    const changes = compareReports(before, now);
    expect(changes).toEqual({
      versions: [{ name: 'chromium', before: '156.0.1.1', now: '157.0.1.1' }],
      checks: [
        { id: 'a', before: 'ok', now: 'failed' },
        { id: 'b', before: 'failed', now: 'ok' },
        { id: 'f', before: null, now: 'failed' },
      ],
    });
    expect(changesText(style, before, changes)).toBe(
      'Changed since 2026-11-22T09:00:00Z:\n  Chromium: 156.0.1.1 -> 157.0.1.1\n  a: ok -> failed\n  b: failed -> ok\n  f: not made -> failed\n',
    );
    expect(changesText(style, before, compareReports(before, before))).toBe(
      'Nothing changed since 2026-11-22T09:00:00Z.\n',
    );
  });

  it('say what no longer holds, what it breaks and what to do', () => {
    const text = reportText(
      style,
      report('156.0.1.1', [check('a', 'ok'), check('b', 'failed'), check('c', 'skipped')]),
    );
    expect(text).toContain('WhatsApp Web     2.3000.1\n');
    expect(text).toContain(
      'No longer holds: the title of b\n  found:   what was found\n  breaks:  what breaks\n  to do:   what to do\n',
    );
    expect(text).toContain('1 of 2 checks failed, 1 skipped.\n');
  });
});
