import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { type MoveView, movesSchema } from '../operations/moves.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, count, NOTHING, oneLine } from '../output/text.ts';

const STATES = ['queued', 'closing', 'adopting', 'done', 'failed', 'under_way'];

/** `wharf moves`: the moves that run, and the last that ended. */
export function addMovesCommand(parent: Command, context: CommandContext): void {
  parent
    .command('moves')
    .description('list moves that run, and the last that ended')
    .addOption(new Option('-s, --state <state>', 'only those of this state').choices(STATES))
    .option('-n, --limit <number>', 'the newest so many', limit(10_000), 50)
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf moves\n  $ wharf moves --state under_way\n  $ wharf moves --state failed --json',
    )
    .action(async (options: { state?: string; limit: number }, command: Command) => {
      const router = await context.router(command);
      const answer = await router.ask(movesSchema, {
        method: 'GET',
        path: '/api/fleet/moves',
        query: { state: options.state, limit: options.limit },
      });
      context.show(command, answer, () => listText(context, answer.moves));
    });
}

function listText({ style, terminal }: CommandContext, moves: readonly MoveView[]): string {
  if (moves.length === 0) return 'No move is like that.\n';
  const rows = moves.map((move) => [
    String(move.workspace_id),
    move.from,
    move.to ?? NOTHING,
    move.reason,
    paintStatus(style, move.state),
    ago(move.ended_at ?? move.started_at ?? move.requested_at, terminal.now()),
    move.error ? oneLine(move.error, 80) : '',
  ]);
  const head = ['WORKSPACE', 'FROM', 'TO', 'REASON', 'STATE', 'SINCE', 'WHY'];
  return `${renderTable(style, head, rows)}${style.dim(count(moves.length, 'move'))}\n`;
}

/** A whole number from 1 to `most`. */
export function limit(most: number) {
  return (text: string): number => {
    const number = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`);
  };
}
