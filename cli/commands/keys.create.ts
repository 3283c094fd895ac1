import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { type Expiry, expiryArgument, expiryTime } from '../expiry.ts';

const createdSchema = z.looseObject({
  key_id: z.string(),
  key: z.string(),
  /** A router of before keys could expire does not send it. */
  expires_at: z.string().nullish(),
});

/** `wharf keys create`: makes a key and shows it, once. */
export function addKeysCreateCommand(parent: Command, context: CommandContext): void {
  parent
    .command('create')
    .description('create an API key; it is shown once')
    .option(
      '-w, --workspace <id>',
      'a key that sees only this workspace (default: an admin key, which sees all)',
    )
    .option('--name <name>', 'who or what it is for')
    .option(
      '--expires <when>',
      'when it ends by itself: a span (12h, 90d, 4w), a day or a time (default: it is good until it is revoked)',
      expiryArgument,
    )
    .addHelpText(
      'after',
      '\nA key that expires stops whoever still uses it: give out the next before. For one made for 30 days or more, WharfKeyExpires tells 14 days before.\n\nExamples:\n  $ wharf keys create --workspace 7 --name "shop back end"\n  $ wharf keys create --name operators\n  $ wharf keys create --workspace 7 --name "agency" --expires 90d',
    )
    .action(async (options: { workspace?: string; name?: string; expires?: Expiry }, command: Command) => {
      const router = await context.router(command);
      const created = await router.ask(createdSchema, {
        method: 'POST',
        path: '/api/fleet/keys',
        body: {
          ...(options.workspace === undefined ? {} : { workspace_id: options.workspace }),
          ...(options.name === undefined ? {} : { name: options.name }),
          ...(options.expires === undefined
            ? {}
            : { expires_at: expiryTime(options.expires, context.terminal.now()) }),
        },
      });
      const whose =
        options.workspace === undefined ? 'an admin key' : `a key of workspace ${options.workspace}`;
      const ends = created.expires_at ? ` It expires at ${created.expires_at}.` : '';
      context.show(
        command,
        created,
        () =>
          `${created.key}\n${context.style.dim(`This is ${whose}, id ${created.key_id}. It is not shown again.${ends}`)}\n`,
      );
    });
}
