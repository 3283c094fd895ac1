import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { linkByQr } from '../link-by-qr.ts';
import { type SessionOptions, takesSession } from '../sessions.ts';

/** `wharf sessions qr`: draws the QR until somebody has scanned it. */
export function addSessionsQrCommand(parent: Command, context: CommandContext): void {
  takesSession(parent.command('qr'))
    .description('show the QR of a session, anew as it changes, until it is linked')
    .addHelpText(
      'after',
      '\nScan it in WhatsApp on the phone: Settings, Linked devices, Link a device.\nWith --json: a line for each code, {"qr","expires_at"}, and the session at the end.\n\nExamples:\n  $ wharf sessions qr sales\n  $ wharf sessions qr sales --workspace 7',
    )
    .action(async (session: string, options: SessionOptions, command: Command) => {
      await linkByQr(context, command, await context.router(command), session, options);
    });
}
