import type { Command } from 'commander';
import { sessionDetailSchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { type SessionOptions, sessionRequest, sessionText, takesSession } from '../sessions.ts';

/** `wharf sessions logout`: unlinks the device; the session stays, and asks for a QR when started. */
export function addSessionsLogoutCommand(parent: Command, context: CommandContext): void {
  takesSession(parent.command('logout'))
    .description('unlink the device from the phone; the session can be linked again')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ wharf sessions logout sales --workspace 7')
    .action(async (session: string, options: SessionOptions & { yes?: boolean }, command: Command) => {
      const router = await context.router(command);
      await context.confirm(`Log out ${session}? It must be linked again before it can send.`, options.yes);
      const detail = await router.ask(
        sessionDetailSchema,
        sessionRequest('POST', session, options, '/logout'),
      );
      context.show(command, detail, () => sessionText(context.style, detail, context.terminal.now()));
    });
}
