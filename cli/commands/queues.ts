import { type Command, Option } from 'commander';
import { z } from 'zod';
import { type CommandContext, isJson } from '../context.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, count, NOTHING, oneLine } from '../output/text.ts';
import { pause } from '../pause.ts';
import { limit } from './moves.ts';

const STATES = ['stuck', 'waiting', 'limited', 'flowing', 'idle'];

/** Milliseconds between two looks under `--watch`. */
const INTERVAL = 2000;

/** Erases the terminal and goes to its beginning (ECMA-48: ED, CUP). */
const CLEAR = '\u001b[2J\u001b[H';

/** What the command needs of `GET /api/fleet/queues`. */
const queuesSchema = z.looseObject({
  queues: z.array(
    z.looseObject({
      workspace_id: z.union([z.string(), z.number()]),
      session_id: z.string(),
      state: z.string(),
      reason: z.string(),
      depth: z.number(),
      delayed: z.number(),
      oldest_at: z.string().nullable(),
      sent: z.number(),
      failed: z.number(),
      unknown: z.number(),
      sent_last_minute: z.number(),
    }),
  ),
  totals: z.looseObject({
    queues: z.number(),
    by_state: z.record(z.string(), z.number()),
    depth: z.number(),
    sent_last_minute: z.number(),
    failed: z.number(),
    unknown: z.number(),
  }),
});
type Queues = z.infer<typeof queuesSchema>;

interface Options {
  workspace?: string;
  session?: string;
  state?: string;
  limit: number;
  watch?: boolean;
}

/** `wharf queues`: how the message queues stand, the worst first. */
export function addQueuesCommand(parent: Command, context: CommandContext): void {
  parent
    .command('queues')
    .description('show how the message queues stand, the worst first')
    .option('-w, --workspace <id>', 'only those of this workspace')
    .option('-s, --session <id>', 'only those of sessions of this id')
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATES))
    .option('-n, --limit <number>', 'so many', limit(1000), 50)
    .option('--watch', 'look again every two seconds, until Ctrl-C')
    .addHelpText(
      'after',
      [
        '\nstuck: nothing was sent for five minutes though something could be. waiting: the session is not ready.',
        'limited: a limit holds it. flowing: it sends. idle: nothing may go now. SENT/MIN is of the last whole minute.',
        '\nExamples:',
        '  $ wharf queues',
        '  $ wharf queues --workspace 7 --watch',
        '  $ wharf queues --state stuck --json',
      ].join('\n'),
    )
    .action(async (options: Options, command: Command) => {
      const router = await context.router(command);
      const look = () =>
        router.ask(queuesSchema, {
          method: 'GET',
          path: '/api/fleet/queues',
          query: {
            workspace_id: options.workspace,
            session_id: options.session,
            state: options.state,
            limit: options.limit,
          },
        });
      if (!options.watch) {
        const queues = await look();
        context.show(command, queues, () => queuesText(context, queues));
        return;
      }
      const { terminal } = context;
      while (!terminal.signal.aborted) {
        const queues = await look().catch((error: unknown) => {
          if (terminal.signal.aborted) return undefined;
          throw error;
        });
        if (queues === undefined) return;
        if (isJson(command)) terminal.out(`${JSON.stringify(queues)}\n`);
        else terminal.out(`${terminal.interactive ? CLEAR : ''}${queuesText(context, queues)}`);
        await pause(INTERVAL, terminal.signal);
      }
    });
}

function queuesText({ style, terminal }: CommandContext, { queues, totals }: Queues): string {
  if (totals.queues === 0) return 'No queue is like that: a session has one from its first message on.\n';
  const rows = queues.map((queue) => [
    String(queue.workspace_id),
    queue.session_id,
    paintStatus(style, queue.state),
    queue.delayed > 0 ? `${queue.depth} (${queue.delayed} later)` : String(queue.depth),
    ago(queue.oldest_at, terminal.now()),
    String(queue.sent_last_minute),
    String(queue.sent),
    queue.failed > 0 ? style.bad(String(queue.failed)) : '0',
    queue.unknown > 0 ? style.warning(String(queue.unknown)) : '0',
    oneLine(queue.reason, 60),
  ]);
  const head = [
    'WORKSPACE',
    'SESSION',
    'STATE',
    'DEPTH',
    'OLDEST',
    'SENT/MIN',
    'SENT',
    'FAILED',
    'UNKNOWN',
    'WHY',
  ];
  const states = STATES.filter((state) => (totals.by_state[state] ?? 0) > 0).map(
    (state) => `${totals.by_state[state]} ${paintStatus(style, state)}`,
  );
  const summary = [
    `${count(totals.queues, 'queue')}: ${states.length === 0 ? NOTHING : states.join(', ')}`,
    count(totals.depth, 'message'),
    `${totals.sent_last_minute} sent in the last whole minute`,
  ];
  return `${renderTable(style, head, rows)}${summary.join('; ')}\n`;
}
