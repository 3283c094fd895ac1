import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../context.ts';
import { takesWorkspace, webhookPath, webhookSchema, webhookText } from '../webhooks.ts';

interface Options {
  secret?: string;
  keepHours?: number;
}

/** `wharf webhooks rotate`: begins to sign with a new secret. */
export function addWebhooksRotateCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('rotate'))
    .description('sign with a new secret, and for a while also with those before; it is shown once')
    .option('--secret <secret>', 'the new one: whsec_ and base64 (default: one is made)')
    .option('--keep-hours <hours>', 'how long those before stay good, 0 to 168 (default: 24)', hours)
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf webhooks rotate 7\n  $ wharf webhooks rotate 7 --keep-hours 0',
    )
    .action(async (workspace: string, options: Options, command: Command) => {
      const router = await context.router(command);
      const webhook = await router.ask(webhookSchema, {
        method: 'POST',
        path: webhookPath(workspace, '/rotate'),
        body: {
          ...(options.secret === undefined ? {} : { secret: options.secret }),
          ...(options.keepHours === undefined ? {} : { keep_hours: options.keepHours }),
        },
      });
      context.show(command, webhook, () => webhookText(context, webhook));
    });
}

function hours(text: string): number {
  const number = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 168) return number;
  throw new InvalidArgumentError('It must be a number from 0 to 168.');
}
