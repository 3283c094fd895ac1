import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { isJson } from '../context.ts';
import { begunText, followMoves, moveSchema, showMoves } from '../operations/moves.ts';
import { Progress } from '../operations/progress.ts';

/** `wharf move`: moves one workspace. */
export function addMoveCommand(parent: Command, context: CommandContext): void {
  parent
    .command('move')
    .description('move a workspace to another instance; its requests wait meanwhile, and none fails')
    .argument('<workspace>', 'id of the workspace')
    .argument('<instance>', 'where to, such as instance-2')
    .option('--no-wait', 'do not wait until it is there')
    .addHelpText(
      'after',
      '\nAlso takes a workspace out of quarantine.\n\nExamples:\n  $ wharf move 7 instance-2\n  $ wharf move sales-emea instance-1 --no-wait',
    )
    .action(async (workspace: string, instance: string, options: { wait: boolean }, command: Command) => {
      const router = await context.router(command);
      const begun = await router.ask(moveSchema, {
        method: 'POST',
        path: `/api/fleet/workspaces/${encodeURIComponent(workspace)}/move`,
        body: { to: instance },
      });
      if (!options.wait) {
        context.show(command, { moves: [begun] }, () => begunText([begun]));
        return;
      }
      const progress = new Progress(context, isJson(command));
      const moves = await followMoves(router, context.terminal.signal, [begun], progress);
      const text = `Moved workspace ${begun.workspace_id} from ${begun.from} to ${moves[0]?.to ?? instance}.\n`;
      showMoves(context, command, moves, text);
    });
}
