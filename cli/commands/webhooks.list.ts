import type { Command } from 'commander';
import { z } from 'zod';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, oneLine } from '../output/text.ts';
import { receiverSchema } from '../webhooks.ts';

const listSchema = z.looseObject({
  webhooks: z.array(receiverSchema.extend({ workspace_id: shownWorkspaceIdSchema, url: z.string() })),
});

/** `wharf webhooks list`: all webhooks, and how their receivers do. */
export function addWebhooksListCommand(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list all webhooks, for an admin')
    .addHelpText('after', '\nExample:\n  $ wharf webhooks list')
    .action(async (_options: unknown, command: Command) => {
      const router = await context.router(command);
      const answer = await router.ask(listSchema, { method: 'GET', path: '/api/fleet/webhooks' });
      context.show(command, answer, () => {
        if (answer.webhooks.length === 0)
          return 'There is no webhook yet. Set one: wharf webhooks set WORKSPACE URL\n';
        const now = context.terminal.now();
        const rows = answer.webhooks.map((webhook) => [
          String(webhook.workspace_id),
          paintStatus(context.style, webhook.state),
          String(webhook.pending),
          ago(webhook.oldest_pending_at, now),
          String(webhook.set_aside),
          String(webhook.dead_letters),
          ago(webhook.last_taken_at, now),
          oneLine(webhook.url, 60),
        ]);
        const head = [
          'WORKSPACE',
          'STATE',
          'PENDING',
          'OLDEST',
          'SET ASIDE',
          'DEAD LETTERS',
          'LAST TAKEN',
          'URL',
        ];
        return renderTable(context.style, head, rows);
      });
    });
}
