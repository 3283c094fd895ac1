import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { messageRequest, messageSchema, messageText } from '../messages.ts';

/** `wharf messages cancel`: takes a message back that is not being sent yet. */
export function addMessagesCancelCommand(parent: Command, context: CommandContext): void {
  parent
    .command('cancel')
    .argument('<message>', 'message_id, as msg_...')
    .description('cancel a message that is not being sent yet')
    .addHelpText('after', '\nExample:\n  $ wharf messages cancel msg_0c5f8ab1d2e3...')
    .action(async (id: string, _options: object, command: Command) => {
      const router = await context.router(command);
      const message = await router.ask(messageSchema, messageRequest('DELETE', id));
      context.show(command, message, () => messageText(context.style, message, context.terminal.now()));
    });
}
