import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { takesWorkspace, webhookPath, webhookSchema, webhookText } from '../webhooks.ts';

/** `wharf webhooks enable`: goes on where a 410 ended it. */
export function addWebhooksEnableCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('enable'))
    .description('go on delivering where a 410 ended it, and try at once what waits for another try')
    .addHelpText('after', '\nExample:\n  $ wharf webhooks enable 7')
    .action(async (workspace: string, _options: unknown, command: Command) => {
      const router = await context.router(command);
      const path = webhookPath(workspace, '/enable');
      const webhook = await router.ask(webhookSchema, { method: 'POST', path, body: {} });
      context.show(command, webhook, () => webhookText(context, webhook));
    });
}
