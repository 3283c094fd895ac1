import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { oneLine } from '../output/text.ts';
import { limit } from './moves.ts';

const eventsSchema = z.looseObject({
  events: z.array(z.looseObject({ at: z.string(), kind: z.string(), text: z.string() })),
});

/** Kinds as wide as the widest. */
const WIDTH = 10;

/** `wharf events`: what happened to the fleet, and why. */
export function addEventsCommand(parent: Command, context: CommandContext): void {
  parent
    .command('events')
    .description('tell what happened to the fleet, and why')
    .option('-n, --limit <number>', 'the newest so many', limit(200), 50)
    .addHelpText(
      'after',
      '\nEvery router tells what it has seen since it started; its log goes back further.\n\nExamples:\n  $ wharf events\n  $ wharf events -n 200 --json',
    )
    .action(async (options: { limit: number }, command: Command) => {
      const router = await context.router(command);
      const story = await router.ask(eventsSchema, {
        method: 'GET',
        path: '/api/fleet/events',
        query: { limit: options.limit },
      });
      context.show(command, story, () => storyText(context, story));
    });
}

function storyText({ style }: CommandContext, { events }: z.infer<typeof eventsSchema>): string {
  if (events.length === 0) return 'Nothing happened since this router started.\n';
  return events
    .map(({ at, kind, text }) => `${style.dim(at)}  ${kind.padEnd(WIDTH)}  ${oneLine(text, 1000)}\n`)
    .join('');
}
