import type { Command } from 'commander';
import type { z } from 'zod';
import { backupDetailSchema } from '../../fleet/backup/api.ts';
import { backupArgument, backupRequest, keptText, stateText } from '../backups.ts';
import type { CommandContext } from '../context.ts';
import { renderFields, renderTable } from '../output/table.ts';
import { ago, bytesText, count, NOTHING, oneLine, timeText } from '../output/text.ts';

type BackupDetail = z.infer<typeof backupDetailSchema>;

/** `wharf backup show`: the sessions in a backup. */
export function addBackupShowCommand(parent: Command, context: CommandContext): void {
  parent
    .command('show')
    .description('show a backup and the sessions in it')
    .argument('<backup>', 'its id, or latest', backupArgument)
    .option('-w, --workspace <id>', 'only the sessions of this workspace')
    .addHelpText(
      'after',
      '\nFROZEN is for how long the session stood still while it was copied.\n\nExamples:\n  $ wharf backup show latest\n  $ wharf backup show 20261122T090003Z --workspace 7',
    )
    .action(async (backup: string, options: { workspace?: string }, command: Command) => {
      const router = await context.router(command);
      const request = backupRequest('GET', `/${backup}`, { query: { workspace_id: options.workspace } });
      const answer = await router.ask(backupDetailSchema, request);
      context.show(command, answer, () => detailText(context, answer));
    });
}

function detailText(context: CommandContext, backup: BackupDetail): string {
  const { style, terminal } = context;
  const now = terminal.now();
  const about = renderFields(style, [
    ['backup', backup.id],
    ['finished', `${timeText(backup.finished_at)} (${ago(backup.finished_at, now)})`],
    ['state', stateText(style, backup)],
    ['sessions', `${backup.sessions}, ${bytesText(backup.bytes)}`],
    ['sent', bytesText(backup.sent_bytes)],
    ['restore reads', backup.restore_bytes === null ? NOTHING : bytesText(backup.restore_bytes)],
    ['kept as', keptText(backup)],
  ]);
  const missing = backup.not_in_it.map(
    ({ workspace_id, session_id, reason }) =>
      `${style.bad('Not in it:')} ${workspace_id}/${session_id}: ${oneLine(reason, 300)}\n`,
  );
  return `${about}\n${contentsText(context, backup)}${missing.join('')}`;
}

function contentsText({ style, terminal }: CommandContext, { contents }: BackupDetail): string {
  if (contents.length === 0) return 'No session is like that.\n';
  const now = terminal.now();
  const rows = contents.map((session) => [
    String(session.workspace_id),
    session.session_id,
    session.linked ? (session.phone_number ?? 'linked') : style.dim('not linked'),
    timeText(session.taken_at),
    ago(session.taken_at, now),
    session.linked ? bytesText(session.bytes) : NOTHING,
    session.linked ? String(session.files) : NOTHING,
    session.frozen_ms === null ? NOTHING : `${Math.round(session.frozen_ms)} ms`,
    session.carried === null ? '' : style.warning(oneLine(`from an earlier backup: ${session.carried}`, 80)),
  ]);
  const head = ['WORKSPACE', 'SESSION', 'PHONE NUMBER', 'AS OF', 'AGE', 'SIZE', 'FILES', 'FROZEN', ''];
  return `${renderTable(style, head, rows)}${style.dim(count(contents.length, 'session'))}\n`;
}
