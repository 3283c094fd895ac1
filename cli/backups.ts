import { type Command, InvalidArgumentError } from 'commander';
import { type BackupSummary, backupIdSchema, type Operation, operationSchema } from '../fleet/backup/api.ts';
import type { RouterRequest } from './client.ts';
import { type CommandContext, isJson } from './context.ts';
import { CommandFailure } from './failure.ts';
import { followOperation, STORE_PATIENCE } from './operations/backups.ts';
import type { Style } from './output/style.ts';
import { paintStatus } from './output/style.ts';
import { count, NOTHING, oneLine } from './output/text.ts';

/** Findings of an operation that are shown. */
const MOST_FINDINGS = 20;

/** What a backup is named by on the command line: its id, or `latest`. Throws InvalidArgumentError. */
export function backupArgument(text: string): string {
  if (text === 'latest' || backupIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError(
    'It must be the id of a backup, such as 20261122T090003Z, or latest; "wharf backup list" shows them.',
  );
}

/** Something asked of the backup service: it may have to read much for its answer. */
export function backupRequest(
  method: RouterRequest['method'],
  below: string,
  more: Pick<RouterRequest, 'query' | 'body'> = {},
): RouterRequest {
  return { method, path: `/api/backups${below}`, patience: STORE_PATIENCE, ...more };
}

/** A backup's state in its colour, with what it lacks: `partial, 2 carried, 1 missed`. */
export function stateText(style: Style, { state, carried, missed }: BackupSummary): string {
  const lacks = [
    ...(carried > 0 ? [`${carried} carried`] : []),
    ...(missed > 0 ? [style.bad(`${missed} missed`)] : []),
  ];
  return [paintStatus(style, state), ...lacks].join(', ');
}

/** Why a backup is kept: `hourly, last good`. */
export function keptText({ kept_as }: BackupSummary): string {
  return kept_as.join(', ').replaceAll('_', ' ') || NOTHING;
}

/**
 * Begins an operation; follows it to its end where it is to be waited for.
 *
 * @returns it as it ended, or `null`: it was shown as it began
 * @throws CommandFailure
 */
export async function runOperation(
  context: CommandContext,
  command: Command,
  request: RouterRequest,
  wait: boolean,
): Promise<Operation | null> {
  const router = await context.router(command);
  const begun = await router.ask(operationSchema, request);
  if (!wait) {
    context.show(command, begun, () => `The ${begun.kind} has begun. Follow with: wharf backup operations\n`);
    return null;
  }
  const ended = await followOperation({ context, router, silent: isJson(command) }, begun);
  if (ended.state === 'done') return ended;
  if (isJson(command)) context.show(command, ended, () => '');
  throw new CommandFailure(
    ended.state === 'cancelled'
      ? `The ${ended.kind} was ended before it was done: ${ended.error ?? 'the backup service stopped, or another has its place'}. Run the command again.`
      : `The ${ended.kind} failed: ${ended.error ?? "the backup service's log says why"}`,
    { code: `${ended.kind}_${ended.state}` },
  );
}

/** What an operation found, a line each; the first few. */
export function findingsText(findings: readonly string[]): string {
  const lines = findings.slice(0, MOST_FINDINGS).map((text) => `  ${oneLine(text, 600)}`);
  if (findings.length > lines.length)
    lines.push(`  and ${count(findings.length - lines.length, 'more', 'more')}: --json shows all`);
  return lines.map((line) => `${line}\n`).join('');
}
