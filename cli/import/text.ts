import type { CommandContext } from '../context.ts';
import { paintStatus, type Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { bytesText, count, NOTHING, oneLine } from '../output/text.ts';
import type { ImportResult } from './importer.ts';
import type { PlanItem } from './plan.ts';

const WILL: Readonly<Record<PlanItem['action'], string>> = {
  import: 'imported',
  replace: 'imported in the place of the one there',
  done: 'left: it was imported before',
  unmapped: 'left: the mapping does not name it',
  refused: 'refused',
};

/** What an import would do, a line for each profile, and why each refused one is. */
export function planText({ style }: CommandContext, plan: readonly PlanItem[]): string {
  const rows = plan.map(({ profile, target, action }) => [
    profile.clientId,
    target === null ? NOTHING : sessionName(target),
    action === 'refused' ? style.bad(WILL[action]) : WILL[action],
    bytesText(profile.bytes),
    bytesText(profile.leftOutBytes),
    profile.chromium ?? 'not known',
  ]);
  const table = renderTable(style, ['CLIENT', 'SESSION', 'WILL BE', 'SIZE', 'LEFT OUT', 'CHROMIUM'], rows);
  const wanted = wantedOf(plan);
  const bytes = wanted.reduce((sum, { profile }) => sum + profile.bytes, 0);
  return `${table}${refusalsText(style, plan)}\n${count(wanted.length, 'session')} to import, ${bytesText(bytes)} to copy.\n`;
}

/** The profiles that are to be imported. */
export function wantedOf(plan: readonly PlanItem[]): PlanItem[] {
  return plan.filter(({ action }) => action === 'import' || action === 'replace');
}

function refusalsText(style: Style, plan: readonly PlanItem[]): string {
  const lines = plan.flatMap(({ profile, refusal }) =>
    refusal === null ? [] : [`${style.bold(profile.clientId)}: ${refusal}\n`],
  );
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

/** How an import came out: each session with its status, and what is to be done about those that are not ready. */
export function resultsText({ style }: CommandContext, results: readonly ImportResult[]): string {
  const rows = results.map(({ item, outcome, status, phone, tornLogs }) => [
    item.target === null ? NOTHING : sessionName(item.target),
    outcome === 'failed' ? style.bad('failed') : paintStatus(style, status ?? 'imported'),
    phone ?? NOTHING,
    tornLogs === 0 ? '' : `${count(tornLogs, 'torn log')} mended`,
  ]);
  const advice = results.flatMap((result) => adviceOn(result).map((line) => `${line}\n`));
  return `${renderTable(style, ['SESSION', 'IS', 'PHONE NUMBER', ''], rows)}${advice.length === 0 ? '' : `\n${advice.join('')}`}`;
}

/** Whether nothing is left to do about it. @param waited whether it was waited for to be ready */
export function isWell({ outcome, status }: ImportResult, waited: boolean): boolean {
  return outcome === 'imported' && (status === 'ready' || !waited);
}

function adviceOn({ item, outcome, status, error, notes }: ImportResult): string[] {
  const name = item.target === null ? item.profile.clientId : sessionName(item.target);
  const lines = notes.map((note) => `${name}: ${note}.`);
  if (outcome === 'failed')
    return [...lines, `${name}: ${oneLine(error?.detail ?? 'it does not say why', 600)}`];
  if (status === 'qr' || status === 'logged_out')
    return [
      ...lines,
      `${name}: WhatsApp knows this device no longer, and it is imported without a link. Was it removed on the phone, or logged out? Link it anew: wharf sessions qr ${item.target?.session} --workspace ${item.target?.workspace}`,
    ];
  if (status === 'failed' || status === 'stopped')
    return [
      ...lines,
      `${name}: it is imported, and does not run. See why: wharf sessions list --workspace ${item.target?.workspace}`,
    ];
  return lines;
}

function sessionName({ workspace, session }: NonNullable<PlanItem['target']>): string {
  return `${workspace}/${session}`;
}
