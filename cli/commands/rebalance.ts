import type { Command } from 'commander';
import { type CommandContext, isJson } from '../context.ts';
import { begunText, followMoves, movesSchema, showMoves } from '../operations/moves.ts';
import { Progress } from '../operations/progress.ts';
import { count } from '../output/text.ts';

/** `wharf rebalance`: brings workspaces home. */
export function addRebalanceCommand(parent: Command, context: CommandContext): void {
  parent
    .command('rebalance')
    .description('bring home the workspaces that are elsewhere, where home has room; nothing else is moved')
    .option('--no-wait', 'do not wait until they are there')
    .addHelpText(
      'after',
      '\nAfter a takeover, and after WHATSAPP_INSTANCE_COUNT was changed. Run again, it moves what is left.\n\nExample:\n  $ wharf rebalance',
    )
    .action(async (options: { wait: boolean }, command: Command) => {
      const router = await context.router(command);
      const { moves: begun } = await router.ask(movesSchema, {
        method: 'POST',
        path: '/api/fleet/rebalance',
      });
      if (!options.wait || begun.length === 0) {
        context.show(command, { moves: begun }, () =>
          begun.length === 0 ? 'Every workspace that can be at home is at home.\n' : begunText(begun),
        );
        return;
      }
      const progress = new Progress(context, isJson(command));
      const moves = await followMoves(router, context.terminal.signal, begun, progress, {
        what: 'brought home',
      });
      showMoves(context, command, moves, `${count(moves.length, 'workspace')} brought home.\n`);
    });
}
