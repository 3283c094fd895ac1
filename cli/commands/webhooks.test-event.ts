import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { takesWorkspace, webhookPath } from '../webhooks.ts';

const testedSchema = z.looseObject({
  event_id: z.string(),
  delivered: z.boolean(),
  status: z.number().nullable(),
  took_ms: z.number(),
  reason: z.string().nullable(),
});

/** `wharf webhooks test`: sends an event at once; fails where it was not taken. */
export function addWebhooksTestCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('test'))
    .description('send a test event at once, and tell what came back; ends with 1 where it was not taken')
    .addHelpText('after', '\nExample:\n  $ wharf webhooks test 7')
    .action(async (workspace: string, _options: unknown, command: Command) => {
      const router = await context.router(command);
      const path = webhookPath(workspace, '/test');
      const tested = await router.ask(testedSchema, { method: 'POST', path, body: {}, patience: 90_000 });
      if (!tested.delivered)
        throw new CommandFailure(
          `The test event was not taken after ${tested.took_ms} ms: ${tested.reason}.`,
          {
            code: 'not_delivered',
          },
        );
      context.show(
        command,
        tested,
        () => `Taken with status ${tested.status} after ${tested.took_ms} ms (${tested.event_id}).\n`,
      );
    });
}
