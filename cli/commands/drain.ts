import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type CommandContext, isJson } from '../context.ts';
import { beginDrain, drain, instancePath } from '../operations/instances.ts';
import { begunText, STILL_MINUTES } from '../operations/moves.ts';
import { Progress } from '../operations/progress.ts';
import { count } from '../output/text.ts';

/** `wharf drain`: empties an instance. */
export function addDrainCommand(parent: Command, context: CommandContext): void {
  parent
    .command('drain')
    .description('move everything off an instance, and keep it empty until "wharf undrain"')
    .argument('<instance>', 'which, such as instance-2')
    .option('--no-wait', 'do not wait until it is empty')
    .option(
      '--still <minutes>',
      'give up waiting when nothing has moved for so long; it stays draining',
      minutes,
      STILL_MINUTES,
    )
    .addHelpText(
      'after',
      '\nRun again after an interruption, it goes on where it was.\n\nExamples:\n  $ wharf drain instance-2\n  $ wharf drain instance-2 --no-wait && wharf moves',
    )
    .action(async (instance: string, options: { wait: boolean; still: number }, command: Command) => {
      const router = await context.router(command);
      if (!options.wait) {
        const moves = await beginDrain(router, instance);
        context.show(command, { instance, moves }, () => begunText(moves));
        return;
      }
      const progress = new Progress(context, isJson(command));
      const moves = await drain(router, context.terminal.signal, instance, progress, {
        still: options.still * 60_000,
      });
      context.show(
        command,
        { instance, moves },
        () =>
          `${instance} is empty: ${count(moves.length, 'workspace')} moved. It takes none until: wharf undrain ${instance}\n`,
      );
    });
}

/** `wharf undrain`: takes a drain back. */
export function addUndrainCommand(parent: Command, context: CommandContext): void {
  parent
    .command('undrain')
    .description('let an instance take workspaces again')
    .argument('<instance>', 'which, such as instance-2')
    .addHelpText(
      'after',
      '\nMoves away from it that have not begun are taken back; those that ended stay. "wharf rebalance" brings workspaces home.\n\nExample:\n  $ wharf undrain instance-2',
    )
    .action(async (instance: string, _options: unknown, command: Command) => {
      const router = await context.router(command);
      await router.ask(z.unknown(), { method: 'DELETE', path: instancePath(instance, 'drain') });
      context.show(command, { instance, draining: false }, () => `${instance} takes workspaces again.\n`);
    });
}

/** Minutes, more than 0 and no more than a day; parts of one too. */
function minutes(text: string): number {
  const number = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (number > 0 && number <= 1440) return number;
  throw new InvalidArgumentError('It must be a number of minutes, more than 0 and at most 1440.');
}
