import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { renderTable } from '../output/table.ts';
import { ago, count, NOTHING, oneLine } from '../output/text.ts';
import { takesWorkspace, webhookPath } from '../webhooks.ts';
import { limit } from './moves.ts';

const PAGE = 1000;

const letterSchema = z.looseObject({
  event_id: z.string(),
  type: z.string(),
  session_id: z.string().nullable(),
  timestamp: z.string(),
  given_up_at: z.string(),
  tries: z.number(),
  reason: z.string(),
});
const pageSchema = z.looseObject({
  dead_letters: z.array(letterSchema),
  next_cursor: z.string().nullable(),
});

/** `wharf webhooks dead-letters`: the events that were given up. */
export function addWebhooksDeadLettersCommand(parent: Command, context: CommandContext): void {
  takesWorkspace(parent.command('dead-letters'))
    .description('list events that were given up, oldest first')
    .option('-n, --limit <number>', 'so many at most', limit(10_000), 100)
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf webhooks dead-letters 7\n  $ wharf webhooks dead-letters 7 --json',
    )
    .action(async (workspace: string, options: { limit: number }, command: Command) => {
      const router = await context.router(command);
      const letters: z.infer<typeof letterSchema>[] = [];
      for (let cursor: string | undefined; letters.length < options.limit; ) {
        const page = await router.ask(pageSchema, {
          method: 'GET',
          path: webhookPath(workspace, '/dead-letters'),
          query: { limit: Math.min(PAGE, options.limit - letters.length), cursor },
        });
        letters.push(...page.dead_letters);
        if (page.next_cursor === null) break;
        cursor = page.next_cursor;
      }
      context.show(command, { dead_letters: letters }, () => {
        if (letters.length === 0) return 'There are no dead letters.\n';
        const now = context.terminal.now();
        const rows = letters.map((letter) => [
          letter.event_id,
          letter.type,
          letter.session_id ?? NOTHING,
          ago(letter.timestamp, now),
          ago(letter.given_up_at, now),
          String(letter.tries),
          oneLine(letter.reason, 100),
        ]);
        const head = ['EVENT', 'TYPE', 'SESSION', 'HAPPENED', 'GIVEN UP', 'TRIES', 'REASON'];
        return `${renderTable(context.style, head, rows)}${context.style.dim(count(letters.length, 'dead letter'))}\n`;
      });
    });
}
