import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { type SessionOptions, sessionRequest, takesSession } from '../sessions.ts';

const deletedSchema = z.object({ unlinked: z.boolean() });

/** `wharf sessions delete`: logs out, and moves the profile to the trash. */
export function addSessionsDeleteCommand(parent: Command, context: CommandContext): void {
  takesSession(parent.command('delete'))
    .description('log out and remove a session; its profile is kept in the trash for 7 days')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ wharf sessions delete sales --workspace 7 --yes')
    .action(async (session: string, options: SessionOptions & { yes?: boolean }, command: Command) => {
      const router = await context.router(command);
      await context.confirm(`Delete ${session}?`, options.yes);
      const answer = await router.ask(deletedSchema, sessionRequest('DELETE', session, options));
      context.show(command, answer, () =>
        answer.unlinked
          ? `Deleted ${session}, and unlinked it from the phone.\n`
          : `Deleted ${session}. It was not connected, so the phone still lists the device: remove it there, under Linked devices.\n`,
      );
    });
}
