import type { Restore, RestoreItem } from '../fleet/backup/api.ts';
import { isoOfStamp } from '../fleet/stamps.ts';
import type { CommandContext } from './context.ts';
import { itemName } from './operations/backup-progress.ts';
import { paintStatus, type Style } from './output/style.ts';
import { renderTable } from './output/table.ts';
import { ago, bytesText, count, NOTHING, oneLine, timeText } from './output/text.ts';

/** Sessions that are shown; all are there under `--json`. */
const MOST_SESSIONS = 100;

/** Why a session is refused, in words. */
const REFUSALS: Readonly<Record<NonNullable<RestoreItem['refusal']>, string>> = {
  relinked: 'it was linked anew since: the keys in the backup are dead',
  logged_out: 'it was logged out since: the keys in the backup are dead',
  deleted: 'it was deleted since',
};

/** The same in short, for a table whose notes say the rest. */
const SINCE: Readonly<Record<NonNullable<RestoreItem['refusal']>, string>> = {
  relinked: 'linked anew since',
  logged_out: 'logged out since',
  deleted: 'deleted since',
};

/** What a restore would do, for whoever decides on it: every session, and what should be known before. */
export function planText(context: CommandContext, plan: Restore): string {
  const { style, terminal } = context;
  const wanted = plan.sessions.filter((item) => item.state !== 'refused');
  const rows = [...plan.sessions]
    .sort(refusedFirst)
    .map((item) => [
      String(item.workspace_id),
      item.session_id,
      item.status === null ? NOTHING : paintStatus(style, item.status),
      willText(style, item),
      timeText(item.taken_at),
      ago(item.taken_at, terminal.now()),
      bytesText(item.bytes),
    ]);
  const lines = [
    `From backup ${style.bold(plan.backup)} (${ago(isoOfStamp(plan.backup), terminal.now())}):\n\n`,
    tableText(style, ['WORKSPACE', 'SESSION', 'IS NOW', 'WILL BE', 'AS OF', 'AGE', 'SIZE'], rows),
  ];
  if (plan.fleet_files.length > 0)
    lines.push(`Also written, since they are not there: ${oneLine(plan.fleet_files.join(', '), 300)}\n`);
  lines.push(`\n${count(wanted.length, 'session')} to restore, ${bytesText(plan.bytes)} to write`);
  if (plan.free_bytes !== null) lines.push(` where ${bytesText(plan.free_bytes)} are free`);
  const refused = plan.sessions.length - wanted.length;
  lines.push(refused > 0 ? `; ${style.warning(`${refused} refused`)}.\n` : '.\n');
  return lines.join('') + warningsText(style, plan.warnings);
}

/** What should be known before a restore begins, a paragraph each. */
export function warningsText(style: Style, warnings: readonly string[]): string {
  return warnings.map((text) => `${style.warning('Note:')} ${oneLine(text, 1000)}\n`).join('');
}

/** A restore as it stands, with all of its sessions. */
export function restoreText({ style, terminal }: CommandContext, restore: Restore): string {
  const rows = [...restore.sessions]
    .sort(failedFirst)
    .map((item) => [
      String(item.workspace_id),
      item.session_id,
      paintStatus(style, item.state),
      timeText(item.taken_at),
      bytesText(item.bytes),
      item.error === null
        ? item.refusal === null
          ? ''
          : REFUSALS[item.refusal]
        : style.bad(oneLine(item.error, 120)),
    ]);
  const since = ago(restore.ended_at ?? restore.started_at, terminal.now());
  return [
    `Restore ${style.bold(restore.id ?? NOTHING)} of ${whatText(restore)} from backup ${restore.backup}: ${paintStatus(style, restore.state)} (${since})\n\n`,
    tableText(style, ['WORKSPACE', 'SESSION', 'STATE', 'AS OF', 'SIZE', ''], rows),
    nextText(restore),
  ].join('');
}

/** What was asked for: `session 7/sales`, `workspace 7`, `everything`. */
export function whatText({ request, sessions }: Restore): string {
  if (request.session_id !== undefined) {
    const [only] = sessions;
    return `session ${only === undefined ? request.session_id : itemName(only)}`;
  }
  return request.workspace_id === undefined ? 'everything' : `workspace ${request.workspace_id}`;
}

/** What can be done with it now. */
export function nextText({ id, state, sessions }: Restore): string {
  if (id === null) return '';
  if (state === 'running') return `To end it: wharf restore --cancel ${id}\n`;
  if (state === 'undone' || state === 'undoing') return '';
  const restored = sessions.filter((item) => item.state === 'restored');
  if (restored.length === 0) return '';
  // Of sessions that were not there, nothing is kept: undone, they are away again.
  const undo = restored.some(({ trash }) => trash !== null)
    ? 'What was there before is kept in the trash. To put it back'
    : 'To undo it';
  return `${undo}: wharf restore --undo ${id}\n`;
}

/** Sessions with what went wrong with each, a line each; the first few. */
export function reasonsText(sessions: readonly RestoreItem[]): string {
  return linesText(sessions, (item) => oneLine(item.error ?? 'it does not say why', 600));
}

/** The sessions that are refused, a line each; the first few. */
export function refusalsText(sessions: readonly RestoreItem[]): string {
  const refused = sessions.filter((item) => item.state === 'refused');
  return linesText(refused, ({ refusal }) => (refusal === null ? 'it does not say why' : REFUSALS[refusal]));
}

function linesText(items: readonly RestoreItem[], why: (item: RestoreItem) => string): string {
  const lines = items.slice(0, 10).map((item) => `  ${itemName(item)}: ${why(item)}\n`);
  if (items.length > lines.length) lines.push(`  and ${items.length - lines.length} more\n`);
  return lines.join('');
}

function willText(style: Style, { refusal, state, action }: RestoreItem): string {
  const will = action === 'replace' ? 'replaced' : 'made';
  if (refusal === null) return will;
  return style.warning(`${state === 'refused' ? 'refused' : will}: ${SINCE[refusal]}`);
}

function tableText(style: Style, head: string[], rows: string[][]): string {
  if (rows.length === 0) return 'No session is like that.\n';
  const more = rows.length - MOST_SESSIONS;
  const rest = more > 0 ? `and ${more} more: --json shows all\n` : '';
  return renderTable(style, head, rows.slice(0, MOST_SESSIONS)) + rest;
}

function refusedFirst(a: RestoreItem, b: RestoreItem): number {
  return Number(b.state === 'refused') - Number(a.state === 'refused');
}

/** Those with a reason why something failed, be it an undo of what stays restored. */
function failedFirst(a: RestoreItem, b: RestoreItem): number {
  return Number(b.error !== null) - Number(a.error !== null) || refusedFirst(a, b);
}
