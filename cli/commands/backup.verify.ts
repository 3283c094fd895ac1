import type { Command } from 'commander';
import { backupArgument, backupRequest, findingsText, runOperation } from '../backups.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { bytesText, count } from '../output/text.ts';

interface Options {
  all?: boolean;
  wait: boolean;
}

/** `wharf backup verify`: reads everything a backup needs, and checks it. */
export function addBackupVerifyCommand(parent: Command, context: CommandContext): void {
  parent
    .command('verify')
    .description('read everything that a backup needs from the store, and check it')
    .argument('[backup]', 'its id (default: latest)', backupArgument)
    .option('--all', 'all backups: each object once')
    .option('--no-wait', 'do not wait until it is done')
    .addHelpText(
      'after',
      '\nChanges nothing. Ends with 1 where anything is damaged, and names the sessions that are hit.\n\nExamples:\n  $ wharf backup verify\n  $ wharf backup verify 20261122T090003Z\n  $ wharf backup verify --all --json',
    )
    .action(async (backup: string | undefined, options: Options, command: Command) => {
      if (options.all && backup !== undefined)
        throw new CommandFailure('Name one backup, or say --all.', {
          code: 'wrong_use',
          exitCode: EXIT_WRONG_USE,
        });
      const body = { backup: options.all ? 'all' : (backup ?? 'latest') };
      const request = backupRequest('POST', '/verify', { body });
      const ended = await runOperation(context, command, request, options.wait);
      if (ended === null) return;
      if (isJson(command)) context.show(command, ended, () => '');
      if (ended.failed > 0)
        throw new CommandFailure(
          `${count(ended.failed, 'thing')} of ${ended.done} in the store ${ended.failed === 1 ? 'is' : 'are'} damaged or missing:\n${findingsText(ended.findings)}A new backup sends again what the sessions still have: wharf backup run`,
          { code: 'backup_damaged' },
        );
      if (!isJson(command))
        context.terminal.out(
          `${context.style.good('All is well')}: ${count(ended.done, 'object')} read and checked, ${bytesText(ended.bytes)}.\n${findingsText(ended.findings)}`,
        );
    });
}
