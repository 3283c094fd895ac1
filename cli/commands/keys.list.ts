import type { Command } from 'commander';
import { z } from 'zod';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { expiryText } from '../expiry.ts';
import { renderTable } from '../output/table.ts';
import { ago, NOTHING, oneLine } from '../output/text.ts';

const keysSchema = z.object({
  keys: z.array(
    z.looseObject({
      key_id: z.string(),
      workspace_id: shownWorkspaceIdSchema.nullish(),
      name: z.string().nullish(),
      created_at: z.string().nullish(),
      expires_at: z.string().nullish(),
    }),
  ),
});

/** `wharf keys list`: which keys there are; never the keys themselves. */
export function addKeysListCommand(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list API keys, by their ids')
    .addHelpText('after', '\nExample:\n  $ wharf keys list')
    .action(async (_options: unknown, command: Command) => {
      const router = await context.router(command);
      const answer = await router.ask(keysSchema, { method: 'GET', path: '/api/fleet/keys' });
      context.show(command, answer, () => {
        if (answer.keys.length === 0) return 'There is no key yet. Create one: wharf keys create\n';
        const rows = answer.keys.map((key) => [
          key.key_id,
          key.workspace_id === null || key.workspace_id === undefined
            ? 'admin'
            : `workspace ${key.workspace_id}`,
          key.name ? oneLine(key.name, 40) : NOTHING,
          ago(key.created_at, context.terminal.now()),
          expiryText(key.expires_at, context.terminal.now()),
        ]);
        return renderTable(context.style, ['KEY ID', 'SEES', 'NAME', 'CREATED', 'EXPIRES'], rows);
      });
    });
}
