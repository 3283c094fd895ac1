import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';

/** `wharf keys revoke`: ends a key. */
export function addKeysRevokeCommand(parent: Command, context: CommandContext): void {
  parent
    .command('revoke')
    .description('revoke an API key; every router refuses it within seconds')
    .argument('<key-id>', 'id of the key, as "wharf keys list" shows it')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ wharf keys revoke 5f0c2a9d81e7b364 --yes')
    .action(async (keyId: string, options: { yes?: boolean }, command: Command) => {
      const router = await context.router(command);
      await context.confirm(`Revoke the key ${keyId}?`, options.yes);
      await router.ask(z.unknown(), {
        method: 'DELETE',
        path: `/api/fleet/keys/${encodeURIComponent(keyId)}`,
      });
      context.show(command, { key_id: keyId, revoked: true }, () => `Revoked ${keyId}.\n`);
    });
}
