import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { takesWorkspace, webhookPath, webhookSchema, webhookText } from '../webhooks.ts';

interface Options {
  events?: string[];
  secret?: string;
}

/** `wharf webhooks set`: where a workspace's events are sent. */
export function addWebhooksSetCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('set'))
    .description('send the events of a workspace to a URL, from now on; a secret that is made is shown once')
    .argument('<url>', 'where to; http or https')
    .option('-e, --events <types...>', 'only events of these types (default: all)')
    .option('--secret <secret>', 'a secret of your own, in place of all there are: whsec_ and base64')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf webhooks set 7 https://shop.example/hooks/wharf\n  $ wharf webhooks set 7 https://shop.example/hooks/wharf --events message.received message.status',
    )
    .action(async (workspace: string, url: string, options: Options, command: Command) => {
      const router = await context.router(command);
      const webhook = await router.ask(webhookSchema, {
        method: 'PUT',
        path: webhookPath(workspace),
        body: {
          url,
          ...(options.events === undefined ? {} : { events: options.events }),
          ...(options.secret === undefined ? {} : { secret: options.secret }),
        },
      });
      context.show(command, webhook, () => webhookText(context, webhook));
    });
}
