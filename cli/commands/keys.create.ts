import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';

const createdSchema = z.looseObject({ key_id: z.string(), key: z.string() });

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
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf keys create --workspace 7 --name "shop back end"\n  $ wharf keys create --name operators',
    )
    .action(async (options: { workspace?: string; name?: string }, command: Command) => {
      const router = await context.router(command);
      const created = await router.ask(createdSchema, {
        method: 'POST',
        path: '/api/fleet/keys',
        body: {
          ...(options.workspace === undefined ? {} : { workspace_id: options.workspace }),
          ...(options.name === undefined ? {} : { name: options.name }),
        },
      });
      const whose =
        options.workspace === undefined ? 'an admin key' : `a key of workspace ${options.workspace}`;
      context.show(
        command,
        created,
        () =>
          `${created.key}\n${context.style.dim(`This is ${whose}, id ${created.key_id}. It is not shown again.`)}\n`,
      );
    });
}
