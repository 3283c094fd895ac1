import type { Command } from 'commander';
import { backupDetailSchema, type Operation } from '../../fleet/backup/api.ts';
import { backupRequest, findingsText, runOperation, stateText } from '../backups.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { bytesText, count, spanText } from '../output/text.ts';

/** `wharf backup run`: makes a backup now. */
export function addBackupRunCommand(parent: Command, context: CommandContext): void {
  parent
    .command('run')
    .description('make a backup now, while the sessions go on')
    .option('--no-wait', 'do not wait until it is made')
    .addHelpText(
      'after',
      [
        '\nWhat has not changed since the last one is not sent again. Ends with 1 also where a session could not be copied: the backup stands, and',
        'has that session as an earlier one has it (carried), or lacks it (missed).',
        '\nExamples:',
        '  $ wharf backup run',
        '  $ wharf backup run --json',
      ].join('\n'),
    )
    .action(async (options: { wait: boolean }, command: Command) => {
      const ended = await runOperation(context, command, backupRequest('POST', ''), options.wait);
      if (ended === null) return;
      if (isJson(command)) context.show(command, ended, () => '');
      else context.terminal.out(await madeText(context, command, ended));
      if (ended.failed > 0)
        throw new CommandFailure(
          `${count(ended.failed, 'session')} could not be copied:\n${findingsText(ended.findings)}The rest is in the backup. Mend the reason and run the command again.`,
          { code: 'backup_partial' },
        );
    });
}

async function madeText(context: CommandContext, command: Command, ended: Operation): Promise<string> {
  const seconds = (Date.parse(ended.ended_at ?? ended.started_at) - Date.parse(ended.started_at)) / 1000;
  if (ended.backup === null)
    return `Done in ${spanText(seconds)}; no backup was made.\n${findingsText(ended.findings)}`;
  // What failed is told at the end, with these.
  const notes = ended.failed > 0 ? '' : findingsText(ended.findings);
  const router = await context.router(command);
  const made = await router.ask(backupDetailSchema, backupRequest('GET', `/${ended.backup}`));
  return `Backup ${context.style.bold(made.id)} ${stateText(context.style, made)}: ${count(made.sessions, 'session')}, ${bytesText(made.bytes)}; ${bytesText(made.sent_bytes)} sent in ${spanText(seconds)}.\n${notes}`;
}
