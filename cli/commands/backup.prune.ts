import type { Command } from 'commander';
import type { z } from 'zod';
import { type Operation, prunePlanSchema } from '../../fleet/backup/api.ts';
import { backupRequest, findingsText, runOperation } from '../backups.ts';
import type { CommandContext } from '../context.ts';
import { renderTable } from '../output/table.ts';
import { bytesText, count, NOTHING } from '../output/text.ts';

type PrunePlan = z.infer<typeof prunePlanSchema>;

interface Options {
  dryRun?: boolean;
  yes?: boolean;
  wait: boolean;
}

/** `wharf backup prune`: removes what the retention does not keep. */
export function addBackupPruneCommand(parent: Command, context: CommandContext): void {
  parent
    .command('prune')
    .description('remove backups that are not to be kept, and objects that none needs')
    .option('--dry-run', 'only show what would be removed, and why the rest is kept')
    .option('-y, --yes', 'do not ask')
    .option('--no-wait', 'do not wait until it is done')
    .addHelpText(
      'after',
      '\nEvery run prunes at its end by itself; BACKUP_KEEP_HOURLY and BACKUP_KEEP_DAILY of the backup service say what is kept.\n\nExamples:\n  $ wharf backup prune --dry-run\n  $ wharf backup prune --yes',
    )
    .action(async (options: Options, command: Command) => {
      if (options.dryRun || (!options.yes && context.terminal.interactive)) {
        const router = await context.router(command);
        const request = backupRequest('POST', '/prune', { body: { dry_run: true } });
        const plan = await router.ask(prunePlanSchema, request);
        if (options.dryRun) {
          context.show(command, plan, () => planText(context, plan));
          return;
        }
        context.terminal.err(planText(context, plan));
        if (plan.remove.length === 0 && plan.objects?.count === 0) return;
      }
      await context.confirm('Remove what is not to be kept?', options.yes);
      const request = backupRequest('POST', '/prune', { body: { dry_run: false } });
      const ended = await runOperation(context, command, request, options.wait);
      if (ended === null) return;
      context.show(command, ended, () => prunedText(ended));
    });
}

function prunedText({ done, bytes, findings }: Operation): string {
  if (done === 0 && findings.length === 0) return 'There was nothing to remove.\n';
  return `Pruned: ${count(done, 'object')} removed, ${bytesText(bytes)}.\n${findingsText(findings)}`;
}

function planText({ style }: CommandContext, { keep, remove, objects }: PrunePlan): string {
  const rows = [
    ...keep.map(({ id, reasons }) => [id, 'keep', reasons.join(', ').replaceAll('_', ' ') || NOTHING]),
    ...remove.map(({ id, reason }) => [id, style.warning('remove'), reason]),
  ].sort(([a = ''], [b = '']) => (a < b ? 1 : -1));
  const table =
    rows.length === 0 ? 'There is no backup.\n' : renderTable(style, ['BACKUP', 'WHAT', 'WHY'], rows);
  const freed =
    objects === null || objects.count === 0
      ? ''
      : `; ${count(objects.count, 'object')} that none needs, ${bytesText(objects.bytes)}`;
  return `${table}${count(remove.length, 'backup')} to remove, ${keep.length} to keep${freed}.\n`;
}
