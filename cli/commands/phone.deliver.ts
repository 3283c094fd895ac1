import type { Command } from 'commander';
import { z } from 'zod';
import { sessionDetailSchema } from '../../fleet/records.ts';
import type { CommandContext, GlobalOptions } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { findEmulator } from '../local-fleet/phone.ts';
import { type SessionOptions, sessionRequest, takesSession } from '../sessions.ts';
import { digits } from './phone.scan.ts';

const deliveredSchema = z.object({ id: z.string() });

/** `wharf phone deliver`: somebody's emulated phone sends a message to a session. */
export function addPhoneDeliverCommand(parent: Command, context: CommandContext): void {
  takesSession(parent.command('deliver'))
    .description('send a message to a session from an emulated phone')
    .argument('<from>', 'number of the phone that sends it', digits)
    .argument('<text>', 'the text')
    .addHelpText('after', '\nExample:\n  $ wharf phone deliver sales 491701234567 "Is it still there?"')
    .action(
      async (session: string, from: string, text: string, options: SessionOptions, command: Command) => {
        const emulator = await findEmulator(
          command.optsWithGlobals<GlobalOptions>(),
          context.terminal.signal,
        );
        const router = await context.router(command);
        const { phone_number: phone } = await router.ask(
          sessionDetailSchema,
          sessionRequest('GET', session, options),
        );
        if (phone === null) {
          throw new CommandFailure(`The session ${session} is not linked: wharf phone scan ${session}.`, {
            code: 'session_not_ready',
          });
        }
        const delivered = await emulator.ask(deliveredSchema, {
          method: 'POST',
          path: '/deliver',
          body: { phone: phone.replace(/\D/g, ''), from, body: text },
        });
        context.show(command, delivered, () => `Delivered to ${phone} as message ${delivered.id}.\n`);
      },
    );
}
