import { Command, CommanderError } from 'commander';
import { messageOf, WharfError } from '../common/errors.ts';
import { addBackupExportCommand } from './commands/backup.export.ts';
import { addBackupListCommand } from './commands/backup.list.ts';
import { addBackupOperationsCommand } from './commands/backup.operations.ts';
import { addBackupPruneCommand } from './commands/backup.prune.ts';
import { addBackupRunCommand } from './commands/backup.run.ts';
import { addBackupShowCommand } from './commands/backup.show.ts';
import { addBackupVerifyCommand } from './commands/backup.verify.ts';
import { addCanaryCommand } from './commands/canary.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDrainCommand, addUndrainCommand } from './commands/drain.ts';
import { addEventsCommand } from './commands/events.ts';
import { addImportCommand } from './commands/import.ts';
import { addKeysCreateCommand } from './commands/keys.create.ts';
import { addKeysListCommand } from './commands/keys.list.ts';
import { addKeysRevokeCommand } from './commands/keys.revoke.ts';
import { addMessagesCancelCommand } from './commands/messages.cancel.ts';
import { addMessagesGetCommand } from './commands/messages.get.ts';
import { addMoveCommand } from './commands/move.ts';
import { addMovesCommand } from './commands/moves.ts';
import { addPhoneDeliverCommand } from './commands/phone.deliver.ts';
import { addPhoneScanCommand } from './commands/phone.scan.ts';
import { addQueuesCommand } from './commands/queues.ts';
import { addRebalanceCommand } from './commands/rebalance.ts';
import { addRestartCommand } from './commands/restart.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addRestoresCommand } from './commands/restores.ts';
import { addSessionsActionCommands } from './commands/sessions.actions.ts';
import { addSessionsCreateCommand } from './commands/sessions.create.ts';
import { addSessionsDeleteCommand } from './commands/sessions.delete.ts';
import { addSessionsListCommand } from './commands/sessions.list.ts';
import { addSessionsLogoutCommand } from './commands/sessions.logout.ts';
import { addSessionsQrCommand } from './commands/sessions.qr.ts';
import { addSessionsSendCommand } from './commands/sessions.send.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUnfreezeCommand } from './commands/unfreeze.ts';
import { addWebhooksDeadLettersCommand } from './commands/webhooks.dead-letters.ts';
import { addWebhooksEnableCommand } from './commands/webhooks.enable.ts';
import { addWebhooksGetCommand } from './commands/webhooks.get.ts';
import { addWebhooksListCommand } from './commands/webhooks.list.ts';
import { addWebhooksRemoveCommand } from './commands/webhooks.remove.ts';
import { addWebhooksReplayCommand } from './commands/webhooks.replay.ts';
import { addWebhooksRotateCommand } from './commands/webhooks.rotate.ts';
import { addWebhooksSetCommand } from './commands/webhooks.set.ts';
import { addWebhooksTestCommand } from './commands/webhooks.test-event.ts';
import { CommandContext } from './context.ts';
import { CommandFailure, EXIT_FAILED, EXIT_WRONG_USE } from './failure.ts';
import { createStyle } from './output/style.ts';
import type { Terminal } from './terminal.ts';

const HELP_AFTER = `
The router and the key are found by --url and --key, else WHARF_URL and WHARF_API_KEY, else the local fleet ("npm start").
Exit codes: 0 done, 1 failed, 2 wrong use.

Examples:
  $ wharf status
  $ wharf sessions create 7 sales --qr
  $ wharf sessions send sales 491701234567 "Hello"
  $ wharf sessions list --json`;

/** The whole command, with every subcommand. @param version what `--version` says */
export function buildProgram(context: CommandContext, version: string): Command {
  const { terminal } = context;
  const program = new Command('wharf')
    .description('Runs thousands of WhatsApp sessions on a few machines.')
    .version(version)
    .option('--url <url>', 'address of the router')
    .option('--key <key>', 'API key; WHARF_API_KEY keeps it out of the list of processes')
    .option('--data <directory>', 'data directory of the local fleet (default: .wharf in the repository)')
    .option('--json', 'print JSON, for scripts')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      getOutHasColors: () => terminal.color,
    })
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .addHelpText('after', HELP_AFTER);
  addStatusCommand(program, context);
  const sessions = program.command('sessions').description('link, use and end sessions');
  addSessionsListCommand(sessions, context);
  addSessionsCreateCommand(sessions, context);
  addSessionsQrCommand(sessions, context);
  addSessionsSendCommand(sessions, context);
  addSessionsActionCommands(sessions, context);
  addSessionsLogoutCommand(sessions, context);
  addSessionsDeleteCommand(sessions, context);
  const messages = program.command('messages').description('messages that were handed in to be sent');
  addMessagesGetCommand(messages, context);
  addMessagesCancelCommand(messages, context);
  const webhooks = program.command('webhooks').description("where workspaces' events are sent");
  addWebhooksListCommand(webhooks, context);
  addWebhooksGetCommand(webhooks, context);
  addWebhooksSetCommand(webhooks, context);
  addWebhooksTestCommand(webhooks, context);
  addWebhooksRotateCommand(webhooks, context);
  addWebhooksEnableCommand(webhooks, context);
  addWebhooksDeadLettersCommand(webhooks, context);
  addWebhooksReplayCommand(webhooks, context);
  addWebhooksRemoveCommand(webhooks, context);
  const keys = program.command('keys').description('API keys, for an admin');
  addKeysCreateCommand(keys, context);
  addKeysListCommand(keys, context);
  addKeysRevokeCommand(keys, context);
  const phone = program
    .command('phone')
    .description('emulated phones, for trying Wharf without a real one (local fleet only)');
  addPhoneScanCommand(phone, context);
  addPhoneDeliverCommand(phone, context);
  const backup = program.command('backup').description('backups of all sessions, made every hour');
  addBackupListCommand(backup, context);
  addBackupShowCommand(backup, context);
  addBackupRunCommand(backup, context);
  addBackupVerifyCommand(backup, context);
  addBackupPruneCommand(backup, context);
  addBackupExportCommand(backup, context);
  addBackupOperationsCommand(backup, context);
  addRestoreCommand(program, context);
  addRestoresCommand(program, context);
  addImportCommand(program, context);
  addMoveCommand(program, context);
  addDrainCommand(program, context);
  addUndrainCommand(program, context);
  addRebalanceCommand(program, context);
  addRestartCommand(program, context);
  addUnfreezeCommand(program, context);
  addMovesCommand(program, context);
  addEventsCommand(program, context);
  addQueuesCommand(program, context);
  addDoctorCommand(program, context);
  addCanaryCommand(program, context);
  return program;
}

/**
 * Runs one command line.
 *
 * @param words what follows `wharf` on the command line
 * @param version what `--version` says
 * @returns the exit code: 0 done, 1 failed, 2 wrong use
 */
export async function runCommandLine(words: string[], terminal: Terminal, version: string): Promise<number> {
  const program = buildProgram(new CommandContext(terminal), version);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed what it has to say already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_WRONG_USE;
    const failure = asFailure(error);
    terminal.err(words.includes('--json') ? failureJson(failure) : failureText(failure, terminal));
    return failure.exitCode;
  }
}

function asFailure(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const code = error instanceof WharfError ? error.code : 'internal';
  return new CommandFailure(messageOf(error), { code, exitCode: EXIT_FAILED, cause: error });
}

function failureText(failure: CommandFailure, terminal: Terminal): string {
  const style = createStyle(terminal.color);
  const request = failure.requestId === undefined ? '' : `, request ${failure.requestId}`;
  const space = failure.message.includes('\n') ? '\n' : ' ';
  return `${style.bad('wharf:')} ${failure.message}${space}${style.dim(`(${failure.code}${request})`)}\n`;
}

function failureJson(failure: CommandFailure): string {
  const { code, message, requestId } = failure;
  return `${JSON.stringify({ error: { code, detail: message, ...(requestId === undefined ? {} : { request_id: requestId }) } })}\n`;
}
