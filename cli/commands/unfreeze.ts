import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { askFleet } from '../operations/instances.ts';

/** `wharf unfreeze`: lets the failover go beyond its limit. */
export function addUnfreezeCommand(parent: Command, context: CommandContext): void {
  parent
    .command('unfreeze')
    .description('take over everything that is lost, however many instances that are')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      '\nFor when the fleet is frozen (wharf status says so): more instances are lost at once than are taken over by themselves.\nMake sure first that they are really lost, and that the others have room.\n\nExample:\n  $ wharf unfreeze --yes',
    )
    .action(async (options: { yes?: boolean }, command: Command) => {
      const router = await context.router(command);
      const { frozen } = await askFleet(router, context.terminal.signal);
      const lost = frozen?.instances.join(', ') ?? 'what is lost next';
      await context.confirm(`Take over ${lost}, whatever the limit says?`, options.yes);
      await router.ask(z.unknown(), { method: 'POST', path: '/api/fleet/unfreeze' });
      context.show(command, { unfrozen: true, instances: frozen?.instances ?? [] }, () =>
        frozen
          ? `Taking over ${lost}. Follow with: wharf status, wharf events\n`
          : 'Nothing is frozen now. What is lost next is taken over without a limit, until nothing is lost any more.\n',
      );
    });
}
