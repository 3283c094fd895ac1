import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { messageRequest, messageSchema, messageText } from '../messages.ts';

/** `wharf messages get`: a message, and what became of it so far. */
export function addMessagesGetCommand(parent: Command, context: CommandContext): void {
  parent
    .command('get')
    .argument('<message>', 'message_id, as msg_...')
    .description('show a message, and what became of it so far')
    .addHelpText('after', '\nExample:\n  $ wharf messages get msg_0c5f8ab1d2e3...')
    .action(async (id: string, _options: object, command: Command) => {
      const router = await context.router(command);
      const message = await router.ask(messageSchema, messageRequest('GET', id));
      context.show(command, message, () => messageText(context.style, message, context.terminal.now()));
    });
}
