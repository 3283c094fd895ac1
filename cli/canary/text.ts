import type { CanaryReport, CheckResult } from '../../instance/canary/canary-client.ts';
import { paintStatus, type Style } from '../output/style.ts';
import { renderFields } from '../output/table.ts';
import { count, NOTHING, oneLine, timeText } from '../output/text.ts';
import type { CanaryChanges } from './compare.ts';

/** What the checks of modules are named by. */
const MODULE = 'module:';

const NAMES: Readonly<Record<string, string>> = {
  whatsapp_web: 'WhatsApp Web',
  whatsapp_web_js: 'whatsapp-web.js',
  chromium: 'Chromium',
  wharf: 'Wharf',
};

/** A line for a check that was made. */
export function checkLine(style: Style, { title, status, detail, took_ms }: CheckResult): string {
  const time = took_ms >= 1000 ? ` ${style.dim(`${(took_ms / 1000).toFixed(1)} s`)}` : '';
  const found = detail === null ? '' : ` ${style.dim(`(${oneLine(detail, 300)})`)}`;
  return `${paintStatus(style, status)}${' '.repeat(9 - status.length)}${title}${found}${time}\n`;
}

/** Whether a check has a line of its own as it is made: of modules only those that lack something. */
export function isShown({ id, status }: CheckResult): boolean {
  return !id.startsWith(MODULE) || status === 'failed';
}

/** What it came to: versions, what no longer holds, what that breaks and what to do. */
export function reportText(style: Style, report: CanaryReport): string {
  const fields = Object.entries(report.versions).map(([name, version]): [string, string] => [
    NAMES[name] ?? name,
    version ?? NOTHING,
  ]);
  const failed = report.checks.filter(({ status }) => status === 'failed');
  const advice = failed.map(
    ({ title, detail, breaks, todo }) =>
      `\n${style.bad('No longer holds:')} ${title}\n  found:   ${oneLine(detail ?? NOTHING, 300)}\n  breaks:  ${breaks}\n  to do:   ${todo}\n`,
  );
  const made = report.checks.filter(({ status }) => status !== 'skipped').length;
  const skipped = report.checks.length - made;
  const all =
    failed.length === 0
      ? style.good(`all ${count(made, 'check')} hold`)
      : style.bad(`${failed.length} of ${count(made, 'check')} failed`);
  return `\n${renderFields(style, fields)}${advice.join('')}\n${all}${skipped === 0 ? '' : `, ${skipped} skipped`}.\n`;
}

/** What changed since an earlier run. */
export function changesText(style: Style, before: CanaryReport, { versions, checks }: CanaryChanges): string {
  const since = `since ${timeText(before.at)}`;
  if (versions.length + checks.length === 0) return `Nothing changed ${since}.\n`;
  return [
    `Changed ${since}:\n`,
    ...versions.map(
      ({ name, before: old, now }) => `  ${NAMES[name] ?? name}: ${old ?? NOTHING} -> ${now ?? NOTHING}\n`,
    ),
    ...checks.map(
      ({ id, before: old, now }) => `  ${id}: ${old ?? 'not made'} -> ${paintStatus(style, now)}\n`,
    ),
  ].join('');
}
