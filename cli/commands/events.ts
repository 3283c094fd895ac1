import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type CommandContext, isJson } from '../context.ts';
import { followEvents } from '../event-follower.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { eventLine, eventSchema } from '../output/event-line.ts';
import { oneLine } from '../output/text.ts';
import { limit } from './moves.ts';

const eventsSchema = z.looseObject({
  events: z.array(z.looseObject({ at: z.string(), kind: z.string(), text: z.string() })),
});

/** Kinds as wide as the widest. */
const WIDTH = 10;

interface Options {
  limit: number;
  follow?: boolean;
  workspace?: string;
  session?: string;
  types?: string;
  after?: string;
}

/** `wharf events`: what happened to the fleet, and why; under `--follow` the events of messages and sessions as they happen. */
export function addEventsCommand(parent: Command, context: CommandContext): void {
  parent
    .command('events')
    .description('tell what happened to the fleet, and why; or follow messages and sessions')
    .option('-n, --limit <number>', 'the newest so many of what happened to the fleet', limit(200), 50)
    .option('-f, --follow', 'show events of messages, sessions and the fleet as they happen')
    .option('-w, --workspace <id>', 'follow only this workspace')
    .option('-s, --session <id>', 'follow only this session')
    .option('-t, --types <types>', 'follow only these types, with commas between them')
    .option('--after <position>', 'follow from after this event (its position under --json)', position)
    .addHelpText(
      'after',
      [
        '\nWithout --follow: what the router asked has seen since it started; its log goes back further.',
        'With it: goes on through restarts of routers with nothing missing; under --json a line for each event.',
        '\nExamples:',
        '  $ wharf events',
        '  $ wharf events -n 200 --json',
        '  $ wharf events --follow --workspace 7 --types message.received,message.status',
      ].join('\n'),
    )
    .action(async (options: Options, command: Command) => {
      if (options.follow) await follow(context, command, options);
      else await tell(context, command, options);
    });
}

async function tell(context: CommandContext, command: Command, options: Options): Promise<void> {
  const { workspace, session, types, after } = options;
  if ([workspace, session, types, after].some((given) => given !== undefined))
    throw new CommandFailure('--workspace, --session, --types and --after go with --follow.', {
      code: 'wrong_use',
      exitCode: EXIT_WRONG_USE,
    });
  const router = await context.router(command);
  const story = await router.ask(eventsSchema, {
    method: 'GET',
    path: '/api/fleet/events',
    query: { limit: options.limit },
  });
  context.show(command, story, () => storyText(context, story));
}

async function follow(context: CommandContext, command: Command, options: Options): Promise<void> {
  const { terminal, style } = context;
  const router = await context.router(command);
  const events = followEvents(router, {
    query: { workspace_id: options.workspace, session_id: options.session, types: options.types },
    after: options.after ?? '',
    lost: (reason) => terminal.err(`${style.dim(`connecting again: ${oneLine(reason, 200)}`)}\n`),
    signal: terminal.signal,
  });
  for await (const { type, data, id } of events) {
    if (type === 'gap') {
      terminal.err(`${style.warning('Some events were forgotten before they were read.')}\n`);
      continue;
    }
    const event = eventSchema.safeParse(JSON.parse(data));
    if (!event.success) continue;
    const text = isJson(command)
      ? JSON.stringify({ position: id, ...event.data })
      : eventLine(style, event.data);
    terminal.out(`${text}\n`);
  }
}

function storyText({ style }: CommandContext, { events }: z.infer<typeof eventsSchema>): string {
  if (events.length === 0) return 'Nothing happened since this router started.\n';
  return events
    .map(({ at, kind, text }) => `${style.dim(at)}  ${kind.padEnd(WIDTH)}  ${oneLine(text, 1000)}\n`)
    .join('');
}

function position(text: string): string {
  if (/^\d{1,16}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the position of an event, a number.');
}
