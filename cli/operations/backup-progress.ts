import type { Operation, Restore, RestoreItem } from '../../fleet/backup/api.ts';
import { barText } from '../output/bar.ts';
import { bytesText, count, oneLine, spanText } from '../output/text.ts';

/** Columns of a terminal that is not a wide one: a line that is longer would not be erased whole. */
const COLUMNS = 79;

/** What an operation counts. */
const COUNTED: Readonly<Record<Operation['kind'], string>> = {
  run: 'session',
  verify: 'object',
  prune: 'object',
};

/** How far an operation has come, on a line. @param drawn with a bar before it */
export function operationLine(operation: Operation, drawn: boolean): string {
  const { kind, done, total, failed, bytes, left_seconds, doing } = operation;
  // Before it knows what there is to do, what it is at says most.
  if (total === null && done === 0 && doing !== null) return fitted(doing, '');
  const parts = [total === null ? count(done, COUNTED[kind]) : `${done}/${count(total, COUNTED[kind])}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (bytes > 0) parts.push(bytesText(bytes));
  if (left_seconds !== null) parts.push(`about ${spanText(left_seconds)} left`);
  const text = doing === null ? parts.join(', ') : `${parts.join(', ')}: ${doing}`;
  return fitted(text, drawn && total !== null ? `${barText(done, total)} ` : '');
}

/** How far a restore has come, on a line. @param drawn with a bar before it */
export function restoreLine(restore: Restore, drawn: boolean): string {
  const { sessions, bytes, done_bytes, left_seconds, state } = restore;
  const wanted = sessions.filter((item) => item.state !== 'refused');
  const isUndone = state === 'undoing' || state === 'undone';
  const done = wanted.filter((item) => item.state === (isUndone ? 'undone' : 'restored')).length;
  const failed = wanted.filter((item) => item.state === 'failed').length;
  const parts = [`${done}/${count(wanted.length, 'session')} ${isUndone ? 'put back' : 'restored'}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (!isUndone && bytes > 0) parts.push(`${bytesText(done_bytes)} of ${bytesText(bytes)}`);
  if (left_seconds !== null) parts.push(`about ${spanText(left_seconds)} left`);
  const at = wanted.find((item) => item.state === 'switching' || item.state === 'preparing');
  const text = at === undefined ? parts.join(', ') : `${parts.join(', ')}: ${itemName(at)}`;
  // Bytes say most while profiles are written, sessions once they are.
  const share = isUndone || bytes === 0 ? [done, wanted.length] : [done_bytes, bytes];
  return fitted(text, drawn ? `${barText(share[0] ?? 0, share[1] ?? 0)} ` : '');
}

/** `7/sales` */
export function itemName({
  workspace_id,
  session_id,
}: Pick<RestoreItem, 'workspace_id' | 'session_id'>): string {
  return `${workspace_id}/${session_id}`;
}

function fitted(text: string, before: string): string {
  return before + oneLine(text, COLUMNS - before.length);
}
