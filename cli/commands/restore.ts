import { type Command, InvalidArgumentError } from 'commander';
import {
  type BackupId,
  backupIdSchema,
  type Restore,
  type RestoreItem,
  restoreSchema,
} from '../../fleet/backup/api.ts';
import { restoreIdSchema } from '../../fleet/backup/restore-ids.ts';
import type { RouterClient } from '../client.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { followRestore, restoreRequest, STORE_PATIENCE } from '../operations/backups.ts';
import { count, timeText } from '../output/text.ts';
import {
  nextText,
  planText,
  reasonsText,
  refusalsText,
  restoreText,
  warningsText,
  whatText,
} from '../restores.ts';

interface Options {
  at?: string;
  workspace?: string;
  session?: string;
  dryRun?: boolean;
  force?: boolean;
  yes?: boolean;
  wait: boolean;
  undo?: string;
  cancel?: string;
}

const HELP = [
  '\nWithout --workspace and --session it restores everything. The fleet goes on: only what is restored stops, for seconds. What was there before',
  'goes to the trash, so that a restore can be undone. A restored session is older than what WhatsApp has seen of it: the dry run, and the question',
  'before a restore begins, say what that means. Sessions that were linked anew, logged out or deleted since are refused unless forced.',
  '\nExamples:',
  '  $ wharf restore --session sales --dry-run',
  '  $ wharf restore --session sales --workspace 7 --at 2026-11-22T09:00:00Z',
  '  $ wharf restore --workspace 7 --at 20261122T090003Z --yes',
  '  $ wharf restore --at latest',
  '  $ wharf restore --undo r-20261122T093000Z-1a2b3c',
].join('\n');

/** `wharf restore`: restores sessions from a backup, undoes that, or ends it. */
export function addRestoreCommand(parent: Command, context: CommandContext): void {
  parent
    .command('restore')
    .description('restore a session, a workspace or everything from a backup')
    .option('--at <time>', 'latest, the id of a backup, or a time: the newest one finished by then', time)
    .option('-w, --workspace <id>', 'only this workspace')
    .option('-s, --session <id>', 'only this session')
    .option('--dry-run', 'only show what would change')
    .option('--force', 'also sessions that were linked anew, logged out or deleted since')
    .option('-y, --yes', 'do not ask')
    .option('--no-wait', 'do not wait until it is done')
    .option('--undo <restore>', 'put back what a restore replaced', restoreId)
    .option('--cancel <restore>', 'end a restore; what was restored already stays so', restoreId)
    .addHelpText('after', HELP)
    .action(async (options: Options, command: Command) => {
      requireOneThing(options);
      if (options.cancel !== undefined) await cancel(context, command, options.cancel);
      else if (options.undo !== undefined) await undo(context, command, options.undo, options);
      else await restore(context, command, options);
    });
}

/** Undoing and ending name a restore, and take nothing of what a new one takes. */
function requireOneThing({ undo: undone, cancel: ended, ...options }: Options): void {
  if (undone === undefined && ended === undefined) return;
  const { at, workspace, session, dryRun, force } = options;
  const others = [at, workspace, session, dryRun, force, undone === undefined ? undefined : ended];
  if (others.every((value) => value === undefined)) return;
  throw new CommandFailure('--undo and --cancel name a restore, and stand alone.', {
    code: 'wrong_use',
    exitCode: EXIT_WRONG_USE,
  });
}

async function restore(context: CommandContext, command: Command, options: Options): Promise<void> {
  const { terminal, style } = context;
  if (!options.dryRun && !options.yes && !terminal.interactive)
    throw new CommandFailure(
      'A restore replaces sessions. Say so with --yes: there is no terminal to ask on. --dry-run shows what would change.',
      { code: 'not_confirmed', exitCode: EXIT_WRONG_USE },
    );
  const router = await context.router(command);
  const plan = await ask(router, options, { dry_run: true });
  if (options.dryRun) {
    context.show(command, plan, () => planText(context, plan));
    return;
  }
  requireSomething(plan);
  if (options.yes) terminal.err(isJson(command) ? '' : warningsText(style, plan.warnings));
  else await askForYes(context, plan);
  // The very backup that was looked at: a newer one may have come since.
  const begun = await ask(router, options, { dry_run: false, at: plan.backup });
  await finish(context, command, router, begun, options.wait);
}

function ask(
  router: RouterClient,
  { at = 'latest', workspace, session, force = false }: Options,
  more: { dry_run: boolean; at?: BackupId },
): Promise<Restore> {
  return router.ask(restoreSchema, {
    method: 'POST',
    path: '/api/restores',
    body: { at, workspace_id: workspace, session_id: session, force, ...more },
    patience: STORE_PATIENCE,
  });
}

/** Nothing is asked, and nothing begun, where every session is refused. */
function requireSomething(plan: Restore): void {
  if (plan.fleet_files.length > 0 || plan.sessions.some((item) => item.state !== 'refused')) return;
  if (plan.sessions.length === 0)
    throw new CommandFailure(`Backup ${plan.backup} has no such session.`, { code: 'backup_not_found' });
  throw new CommandFailure(
    `Nothing is restored from backup ${plan.backup}:\n${refusalsText(plan.sessions)}To restore it all the same: --force`,
    { code: 'restore_refused' },
  );
}

async function askForYes(context: CommandContext, plan: Restore): Promise<void> {
  const { terminal, style } = context;
  terminal.err(`${planText(context, plan)}\n`);
  const sessions = plan.sessions.filter((item) => item.state !== 'refused').length;
  const answer = await context.ask(
    `Restore ${style.bold(whatText(plan))} (${count(sessions, 'session')})? Type yes: `,
  );
  if (answer.trim().toLowerCase() !== 'yes')
    throw new CommandFailure('Nothing was done.', { code: 'not_confirmed' });
}

async function undo(context: CommandContext, command: Command, id: string, options: Options): Promise<void> {
  const router = await context.router(command);
  await context.confirm(`Put back what ${id} replaced?`, options.yes);
  const begun = await router.ask(restoreSchema, restoreRequest('POST', id, '/undo'));
  await finish(context, command, router, begun, options.wait);
}

async function cancel(context: CommandContext, command: Command, id: string): Promise<void> {
  const router = await context.router(command);
  const ended = await router.ask(restoreSchema, restoreRequest('POST', id, '/cancel'));
  context.show(
    command,
    ended,
    () => `${id} ends; what was restored already stays so. See it: wharf restores ${id}\n`,
  );
}

/** Follows to the end, shows how it ended, and fails where anything failed. */
async function finish(
  context: CommandContext,
  command: Command,
  router: RouterClient,
  begun: Restore,
  wait: boolean,
): Promise<void> {
  const id = begun.id ?? '';
  if (!wait) {
    context.show(command, begun, () => `${id} has begun. Follow with: wharf restores ${id}\n`);
    return;
  }
  const ended = await followRestore({ context, router, silent: isJson(command) }, begun);
  context.show(command, ended, () => endText(context, ended));
  requireWell(ended);
  if (ended.state === 'cancelled')
    throw new CommandFailure(`${id} was ended before it was done.`, { code: 'restore_cancelled' });
  if (ended.state === 'failed')
    throw new CommandFailure(`${id} failed. The log of the backup service says why.`, {
      code: 'restore_failed',
    });
}

/** Throws where sessions failed, with the reason of each. What failed before an undo put all back that there was to put back is no failure of the undo. */
function requireWell({ id, state, sessions }: Restore): void {
  if (state === 'undone') return;
  const kept = sessions.filter(isNotPutBack);
  if (kept.length > 0)
    throw new CommandFailure(
      `${count(kept.length, 'session')} of ${sessions.length} not put back:\n${reasonsText(kept)}Each stays as it was. Mend the reason, then: wharf restore --undo ${id}`,
      { code: 'restore_failed' },
    );
  const failed = sessions.filter((item) => item.state === 'failed');
  if (failed.length > 0)
    throw new CommandFailure(
      `${count(failed.length, 'session')} of ${sessions.length} failed:\n${reasonsText(failed)}Each is as it was. Mend the reason and restore it again, with --session.`,
      { code: 'restore_failed' },
    );
}

/** Only an undo that was refused leaves a reason with what is restored. */
function isNotPutBack({ state, error }: RestoreItem): boolean {
  return state === 'restored' && error !== null;
}

function endText(context: CommandContext, restore: Restore): string {
  const { sessions, state, id } = restore;
  // One session is told of in a line; of many the ones that went wrong come first.
  if (sessions.length > 1) return restoreText(context, restore);
  const [only] = sessions;
  if (state === 'done' && only?.state === 'restored')
    return `Restored ${whatText(restore)} as of ${timeText(only.taken_at)}.\n${nextText(restore)}`;
  return state === 'undone'
    ? `Put back ${whatText(restore)} as it was before ${id}.\n`
    : restoreText(context, restore);
}

/** What `--at` takes. A time names its zone: whoever restores in a hurry must not be an hour off. */
function time(text: string): string {
  if (text === 'latest' || backupIdSchema.safeParse(text).success) return text;
  const date = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)$/.test(text)
    ? new Date(text.replace(' ', 'T'))
    : new Date(Number.NaN);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new InvalidArgumentError(
    'It must be latest, the id of a backup (wharf backup list), or a time with its zone, such as 2026-11-22T09:00:00Z or 2026-11-22T10:00+01:00.',
  );
}

function restoreId(text: string): string {
  if (restoreIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError(
    'It must be the id of a restore, such as r-20261122T093000Z-1a2b3c; "wharf restores" lists them.',
  );
}
