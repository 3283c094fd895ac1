import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { takesWorkspace, webhookPath, webhookSchema, webhookText } from '../webhooks.ts';

/** `wharf webhooks get`: a workspace's webhook, and how its receiver does. */
export function addWebhooksGetCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('get'))
    .description('show the webhook of a workspace, and how its receiver does')
    .addHelpText('after', '\nExample:\n  $ wharf webhooks get 7')
    .action(async (workspace: string, _options: unknown, command: Command) => {
      const router = await context.router(command);
      const webhook = await router.ask(webhookSchema, { method: 'GET', path: webhookPath(workspace) });
      context.show(command, webhook, () => webhookText(context, webhook));
    });
}
