import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { takesWorkspace, webhookPath } from '../webhooks.ts';

/** `wharf webhooks remove`: ends a webhook. */
export function addWebhooksRemoveCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('remove'))
    .description('remove the webhook of a workspace, with what was not delivered and its dead letters')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ wharf webhooks remove 7 --yes')
    .action(async (workspace: string, options: { yes?: boolean }, command: Command) => {
      const router = await context.router(command);
      await context.confirm(
        `Remove the webhook of workspace ${workspace}, with all that was not delivered?`,
        options.yes,
      );
      const answer = await router.ask(z.unknown(), { method: 'DELETE', path: webhookPath(workspace) });
      context.show(command, answer, () => `Removed the webhook of workspace ${workspace}.\n`);
    });
}
