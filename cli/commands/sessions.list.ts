import { type Command, InvalidArgumentError, Option } from 'commander';
import { sessionStatusSchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, count, NOTHING, oneLine } from '../output/text.ts';
import { type ListedSession, memoryText, sessionPageSchema } from '../sessions.ts';

/** Sessions a request asks for: the most of them that stay quick to answer and to draw. */
const PAGE = 200;

interface Options {
  workspace?: string;
  status?: string;
  limit?: number;
}

/** `wharf sessions list`: all sessions, or those of a workspace or a status. */
export function addSessionsListCommand(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list sessions')
    .option('-w, --workspace <id>', 'only those of this workspace')
    .addOption(
      new Option('-s, --status <status>', 'only those of this status').choices(sessionStatusSchema.options),
    )
    .option('-n, --limit <number>', 'at most so many', positive)
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf sessions list\n  $ wharf sessions list --workspace 7 --status ready\n  $ wharf sessions list --json | jq -r ".sessions[].session_id"',
    )
    .action(async (options: Options, command: Command) => {
      const router = await context.router(command);
      const sessions: ListedSession[] = [];
      const limit = options.limit ?? Number.POSITIVE_INFINITY;
      let cursor: string | null | undefined;
      do {
        const page = await router.ask(sessionPageSchema, {
          method: 'GET',
          path: '/api/whatsapp/sessions',
          query: {
            workspace_id: options.workspace,
            status: options.status,
            limit: Math.min(PAGE, limit - sessions.length),
            cursor: cursor ?? undefined,
          },
        });
        sessions.push(...page.sessions);
        cursor = page.next_cursor;
      } while (cursor && sessions.length < limit);
      context.show(command, { sessions }, () => listText(context, sessions, options));
    });
}

function listText({ style, terminal }: CommandContext, sessions: ListedSession[], options: Options): string {
  if (sessions.length === 0) {
    return options.workspace || options.status
      ? 'No session is like that.\n'
      : 'There is no session yet. Link the first: wharf sessions create WORKSPACE --qr\n';
  }
  const rows = sessions.map((session) => [
    String(session.workspace_id),
    session.session_id,
    paintStatus(style, session.status),
    session.phone_number ?? NOTHING,
    session.instance,
    memoryText(session),
    ago(session.last_activity, terminal.now()),
    session.last_error ? oneLine(session.last_error, 50) : '',
  ]);
  const head = [
    'WORKSPACE',
    'SESSION',
    'STATUS',
    'PHONE NUMBER',
    'INSTANCE',
    'MEMORY',
    'LAST ACTIVITY',
    'LAST ERROR',
  ];
  return `${renderTable(style, head, rows)}${style.dim(count(sessions.length, 'session'))}\n`;
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}
