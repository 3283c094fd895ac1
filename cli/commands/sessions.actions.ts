import type { Command } from 'commander';
import { sessionDetailSchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { type SessionOptions, sessionRequest, sessionText, takesSession } from '../sessions.ts';

/** What can be asked of a session and undone by another of them, or by itself. */
const ACTIONS = [
  { name: 'start', description: 'start a session that was stopped' },
  {
    name: 'stop',
    description: 'close the browser of a session; it stays linked, and starts again with "start"',
  },
  { name: 'restart', description: 'close the browser of a session and start it anew; it stays linked' },
  {
    name: 'keep',
    description:
      'keep a session however long nobody uses it: it is not warned of, stopped or deleted for that',
  },
  { name: 'unkeep', description: 'treat a session as all others again when nobody uses it' },
] as const;

/** `wharf sessions start`, `stop`, `restart`, `keep` and `unkeep`: one request each, alike but for its name. */
export function addSessionsActionCommands(parent: Command, context: CommandContext): void {
  for (const { name, description } of ACTIONS) {
    takesSession(parent.command(name))
      .description(description)
      .addHelpText('after', `\nExample:\n  $ wharf sessions ${name} sales --workspace 7`)
      .action(async (session: string, options: SessionOptions, command: Command) => {
        const router = await context.router(command);
        const detail = await router.ask(
          sessionDetailSchema,
          sessionRequest('POST', session, options, `/${name}`),
        );
        context.show(command, detail, () => sessionText(context.style, detail, context.terminal.now()));
      });
  }
}
