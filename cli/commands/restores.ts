import type { Command } from 'commander';
import { z } from 'zod';
import { type Restore, restoreSchema } from '../../fleet/backup/api.ts';
import type { CommandContext } from '../context.ts';
import { restoreLine } from '../operations/backup-progress.ts';
import { restoreRequest, STORE_PATIENCE } from '../operations/backups.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, NOTHING } from '../output/text.ts';
import { restoreText, whatText } from '../restores.ts';

const restoresSchema = z.object({ restores: z.array(restoreSchema) });

/** `wharf restores`: restores that go on, and the last that ended; or one of them. */
export function addRestoresCommand(parent: Command, context: CommandContext): void {
  parent
    .command('restores')
    .description('list restores, newest first; or show one')
    .argument('[restore]', 'its id')
    .addHelpText(
      'after',
      '\nExamples:\n  $ wharf restores\n  $ wharf restores r-20261122T093000Z-1a2b3c\n  $ wharf restores --json',
    )
    .action(async (id: string | undefined, _options: unknown, command: Command) => {
      const router = await context.router(command);
      if (id !== undefined) {
        const restore = await router.ask(restoreSchema, restoreRequest('GET', id));
        context.show(command, restore, () => restoreText(context, restore));
        return;
      }
      const answer = await router.ask(restoresSchema, {
        method: 'GET',
        path: '/api/restores',
        patience: STORE_PATIENCE,
      });
      context.show(command, answer, () => listText(context, answer.restores));
    });
}

function listText({ style, terminal }: CommandContext, restores: readonly Restore[]): string {
  if (restores.length === 0) return 'Nothing was restored yet.\n';
  const now = terminal.now();
  const rows = restores.map((restore) => [
    restore.id ?? NOTHING,
    ago(restore.started_at, now),
    whatText(restore),
    restore.backup,
    paintStatus(style, restore.state),
    restoreLine(restore, false),
  ]);
  return renderTable(style, ['RESTORE', 'BEGUN', 'OF', 'FROM BACKUP', 'STATE', 'DONE'], rows);
}
