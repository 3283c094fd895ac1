import type { Command } from 'commander';
import { z } from 'zod';
import { type Operation, operationSchema } from '../../fleet/backup/api.ts';
import { backupRequest } from '../backups.ts';
import type { CommandContext } from '../context.ts';
import { operationLine } from '../operations/backup-progress.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, NOTHING, oneLine, spanText } from '../output/text.ts';

const operationsSchema = z.object({ operations: z.array(operationSchema) });

/** `wharf backup operations`: runs, verifications and prunings of late. */
export function addBackupOperationsCommand(parent: Command, context: CommandContext): void {
  parent
    .command('operations')
    .description('list runs, verifications and prunings of late, newest first')
    .addHelpText(
      'after',
      '\nThose since the backup service was started, a hundred at most.\n\nExamples:\n  $ wharf backup operations\n  $ wharf backup operations --json',
    )
    .action(async (_options: unknown, command: Command) => {
      const router = await context.router(command);
      const answer = await router.ask(operationsSchema, backupRequest('GET', '/operations'));
      context.show(command, answer, () => listText(context, answer.operations));
    });
}

function listText({ style, terminal }: CommandContext, operations: readonly Operation[]): string {
  if (operations.length === 0) return 'Nothing was done yet since the backup service was started.\n';
  const now = terminal.now();
  const rows = operations.map((operation) => {
    const { id, kind, state, started_at, ended_at, error, findings } = operation;
    const seconds = (Date.parse(ended_at ?? now.toISOString()) - Date.parse(started_at)) / 1000;
    return [
      id,
      kind,
      paintStatus(style, state),
      ago(started_at, now),
      spanText(seconds),
      operationLine(operation, false),
      error === null ? oneLine(findings[0] ?? NOTHING, 80) : style.bad(oneLine(error, 80)),
    ];
  });
  return renderTable(style, ['ID', 'KIND', 'STATE', 'BEGUN', 'TOOK', 'DONE', 'SAYS'], rows);
}
