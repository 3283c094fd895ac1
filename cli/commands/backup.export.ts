import { open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { systemCode } from '../../common/errors.ts';
import { backupArgument, backupRequest } from '../backups.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { Progress } from '../operations/progress.ts';
import { bytesText } from '../output/text.ts';

/** Milliseconds between two pieces of an export: the service may wait for the store. */
const SILENCE = 120_000;

interface Options {
  workspace?: string;
  output?: string;
}

/** `wharf backup export`: a session of a backup as one tar. */
export function addBackupExportCommand(parent: Command, context: CommandContext): void {
  parent
    .command('export')
    .description('write a session of a backup as one tar: session.json and the profile')
    .argument('<backup>', 'its id, or latest', backupArgument)
    .argument('<session>', 'id of the session')
    .option('-w, --workspace <id>', 'needed only where two workspaces have a session of this id')
    .option('-o, --output <file>', 'write it there, whole or not at all (default: standard output)')
    .addHelpText(
      'after',
      [
        '\nThe tar holds the keys of the linked device: whoever has it can be that device. It is written for its owner alone.',
        '\nExamples:',
        '  $ wharf backup export latest sales --output sales.tar',
        '  $ wharf backup export 20261122T090003Z sales -w 7 | tar -tvf -',
      ].join('\n'),
    )
    .action(async (backup: string, session: string, options: Options, command: Command) => {
      const { output } = options;
      if (output === undefined && context.terminal.interactive)
        throw new CommandFailure(
          'A tar is nothing for a terminal: name a file with --output, or pipe it into tar.',
          {
            code: 'wrong_use',
            exitCode: EXIT_WRONG_USE,
          },
        );
      const router = await context.router(command);
      const query = { session_id: session, workspace_id: options.workspace };
      const pieces = router.download(backupRequest('GET', `/${backup}/export`, { query }), SILENCE);
      if (output === undefined) {
        for await (const piece of pieces) await context.terminal.bytes(piece);
        return;
      }
      const progress = new Progress(context, isJson(command) || !context.terminal.interactive);
      const bytes = await writeWhole(output, pieces, (sum) => progress.at(`${bytesText(sum)} written`));
      progress.end();
      context.show(command, { output, bytes }, () => `${output} written, ${bytesText(bytes)}.\n`);
    });
}

/** Writes a file for its owner alone, under another name until it is whole. Bytes of it. Throws CommandFailure. */
async function writeWhole(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  onBytes: (sum: number) => void,
): Promise<number> {
  const draft = `${path}.part`;
  let sum = 0;
  try {
    const file = await open(draft, 'w', 0o600);
    try {
      for await (const piece of pieces) {
        await file.writeFile(piece);
        sum += piece.length;
        onBytes(sum);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`${path} cannot be written (${systemCode(error) ?? 'unknown fault'}).`, {
      code: 'not_written',
      cause: error,
    });
  }
  return sum;
}
