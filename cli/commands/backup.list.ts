import type { Command } from 'commander';
import type { z } from 'zod';
import { backupListSchema } from '../../fleet/backup/api.ts';
import { backupRequest, keptText, stateText } from '../backups.ts';
import type { CommandContext } from '../context.ts';
import { operationLine } from '../operations/backup-progress.ts';
import { renderTable } from '../output/table.ts';
import { ago, bytesText, count, NOTHING, oneLine, spanText, timeText } from '../output/text.ts';

type BackupList = z.infer<typeof backupListSchema>;

/** `wharf backup list`: the backups that are kept, and how they are made. */
export function addBackupListCommand(parent: Command, context: CommandContext): void {
  parent
    .command('list')
    .description('list the backups that are kept, newest first')
    .addHelpText(
      'after',
      [
        '\nSENT is what was sent to the store for it; RESTORE what a restore of everything would read from there. STATE: complete, every session as it was',
        'then; partial, some stand as an earlier backup has them (carried) or are not in it (missed); damaged, it cannot be read.',
        '\nExamples:',
        '  $ wharf backup list',
        '  $ wharf backup list --json',
      ].join('\n'),
    )
    .action(async (_options: unknown, command: Command) => {
      const router = await context.router(command);
      const answer = await router.ask(backupListSchema, backupRequest('GET', ''));
      context.show(command, answer, () => listText(context, answer));
    });
}

function listText(context: CommandContext, list: BackupList): string {
  const { style, terminal } = context;
  const now = terminal.now();
  const rows = list.backups.map((backup) =>
    backup.state === 'damaged'
      ? [
          backup.id,
          timeText(backup.started_at),
          ago(backup.started_at, now),
          ...Array(4).fill(NOTHING),
          style.bad('DAMAGED'),
          keptText(backup),
        ]
      : [
          backup.id,
          timeText(backup.finished_at),
          ago(backup.finished_at, now),
          String(backup.sessions),
          bytesText(backup.bytes),
          bytesText(backup.sent_bytes),
          backup.restore_bytes === null ? NOTHING : bytesText(backup.restore_bytes),
          stateText(style, backup),
          keptText(backup),
        ],
  );
  const head = ['BACKUP', 'FINISHED', 'AGE', 'SESSIONS', 'SIZE', 'SENT', 'RESTORE', 'STATE', 'KEPT AS'];
  const table =
    rows.length === 0
      ? 'There is no backup yet. Make one: wharf backup run\n'
      : renderTable(style, head, rows);
  return `${table}\n${aboutText(context, list)}`;
}

/** Where they are kept, when the next one is made, and what is wrong. */
function aboutText({ style, terminal }: CommandContext, list: BackupList): string {
  const now = terminal.now();
  const lines = [
    `Kept in ${oneLine(list.store, 200)}, made at "${list.schedule}" (UTC) by ${oneLine(list.runner, 100)}.`,
  ];
  const next =
    list.next_run === null
      ? ''
      : `; the next in ${spanText((Date.parse(list.next_run) - now.getTime()) / 1000)}`;
  lines.push(
    list.last_success === null
      ? style.warning(`None has succeeded yet${next}.`)
      : `The last one that succeeded is from ${ago(list.last_success, now)}${next}.`,
  );
  if (list.running) lines.push(`A ${list.running.kind} goes on: ${operationLine(list.running, false)}`);
  const damaged = list.backups.filter(({ state }) => state === 'damaged').length;
  if (damaged > 0)
    lines.push(
      style.bad(
        `${count(damaged, 'backup')} cannot be read. "wharf backup verify --all" says what else is damaged.`,
      ),
    );
  return lines.map((line) => `${line}\n`).join('');
}
