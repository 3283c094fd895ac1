import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { count } from '../output/text.ts';
import { takesWorkspace, webhookPath } from '../webhooks.ts';

const replayedSchema = z.looseObject({ replayed: z.number(), unknown: z.array(z.string()) });

/** `wharf webhooks replay`: sends dead letters again. */
export function addWebhooksReplayCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('replay'))
    .description('send dead letters again, each under its old id')
    .argument('[events...]', 'ids of events, as "wharf webhooks dead-letters" shows them')
    .option('--all', 'all dead letters there are now')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf webhooks replay 7 evt_6b0c...\n  $ wharf webhooks replay 7 --all',
    )
    .action(async (workspace: string, ids: string[], options: { all?: boolean }, command: Command) => {
      if (ids.length > 0 === (options.all === true)) {
        throw new CommandFailure('Name the events to send again, or say --all.', {
          code: 'invalid_request',
          exitCode: EXIT_WRONG_USE,
        });
      }
      const router = await context.router(command);
      const answer = await router.ask(replayedSchema, {
        method: 'POST',
        path: webhookPath(workspace, '/replay'),
        body: ids.length > 0 ? { ids } : { all: true },
      });
      context.show(command, answer, () => {
        const unknown = answer.unknown.length === 0 ? '' : `No dead letters: ${answer.unknown.join(', ')}\n`;
        return `${count(answer.replayed, 'event is', 'events are')} on the way again.\n${unknown}`;
      });
    });
}
