import type { Command } from 'commander';
import { z } from 'zod';
import { backupListSchema } from '../../fleet/backup/api.ts';
import { sessionStatusSchema } from '../../fleet/records.ts';
import type { CommandContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import { differingVersions, type FleetView, fleetSchema, type InstanceView, stateOf } from '../fleet-view.ts';
import { paintStatus } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { ago, count, NOTHING, oneLine } from '../output/text.ts';

const totalsSchema = z.looseObject({
  sessions: z.looseObject({ by_status: z.record(z.string(), z.number()).optional() }).optional(),
});

const queuesSchema = z.looseObject({
  totals: z.looseObject({
    queues: z.number(),
    depth: z.number(),
    by_state: z.record(z.string(), z.number()),
    sent_last_minute: z.number(),
  }),
});
type BackupList = z.infer<typeof backupListSchema>;
type QueueTotals = z.infer<typeof queuesSchema>['totals'];

/** Milliseconds for what is known of backups: the service may have to read a slow store, and the rest is worth showing now. */
const BACKUPS_PATIENCE = 10_000;

/** `wharf status`: the fleet at a glance. */
export function addStatusCommand(parent: Command, context: CommandContext): void {
  parent
    .command('status')
    .description('show instances, and how many sessions are in which state')
    .addHelpText('after', '\nExamples:\n  $ wharf status\n  $ wharf status --json')
    .action(async (_options: unknown, command: Command) => {
      const router = await context.router(command);
      const fleet = await router.ask(fleetSchema, { method: 'GET', path: '/api/fleet' });
      const totals = await router.ask(totalsSchema, { method: 'GET', path: '/api/whatsapp/metrics' });
      const queues = await router
        .ask(queuesSchema, { method: 'GET', path: '/api/fleet/queues', query: { limit: 1 } })
        .catch((error: unknown) => {
          // The rest is worth showing all the same.
          if (error instanceof CommandFailure && error.code === 'queue_unavailable') return null;
          throw error;
        });
      const backups = await router
        .ask(backupListSchema, { method: 'GET', path: '/api/backups', patience: BACKUPS_PATIENCE })
        .catch((error: unknown) => {
          if (error instanceof CommandFailure && error.code !== 'stopped') return error;
          throw error;
        });
      const value = {
        url: router.url,
        fleet,
        totals,
        queues: queues?.totals ?? null,
        backups: backups instanceof CommandFailure ? null : lastBackup(backups),
      };
      context.show(command, value, () =>
        [
          `${context.style.bold('Fleet')} ${router.url}\n\n`,
          instancesText(context, fleet),
          concernsText(context, fleet),
          '\n',
          sessionsText(context, totals.sessions?.by_status ?? {}),
          queuesLine(context, queues?.totals ?? null),
          backupsLine(context, backups),
        ].join(''),
      );
    });
}

function instancesText({ style, terminal }: CommandContext, fleet: FleetView): string {
  if (fleet.instances.length === 0)
    return 'No instance has announced itself: start one, with the same REDIS_URL as the router.\n';
  const rows = fleet.instances.map((instance) => [
    instance.id,
    paintStatus(style, stateOf(instance)),
    leaseText(instance),
    `${instance.sessions ?? NOTHING}/${instance.capacity ?? NOTHING}`,
    String(instance.ready ?? NOTHING),
    memoryText(instance),
    instance.cpu === undefined ? NOTHING : `${Math.round(instance.cpu * 100)} %`,
    ago(instance.announced_at, terminal.now()),
  ]);
  return renderTable(
    style,
    ['INSTANCE', 'STATUS', 'LEASE', 'SESSIONS', 'READY', 'MEMORY', 'CPU', 'LAST SEEN'],
    rows,
  );
}

/** How old a lease is; that it is not held, where it is not. */
function leaseText({ lease, lease_age_ms }: InstanceView): string {
  if (lease === undefined) return NOTHING;
  if (lease !== 'held' || typeof lease_age_ms !== 'number') return lease;
  return `${(lease_age_ms / 1000).toFixed(1)} s`;
}

/** Who leads, and everything an operator should know, each on a line. */
function concernsText({ style }: CommandContext, fleet: FleetView): string {
  const lines: string[] = [];
  if (fleet.redis?.ok === false)
    lines.push(style.warning('Redis does not answer: this is as it was before.'));
  else if (fleet.leader === null)
    lines.push(style.warning('No router leads: nothing is taken over or moved.'));
  else if (fleet.leader) lines.push(style.dim(`Led by ${fleet.leader}.`));
  if (fleet.frozen) {
    const { instances, limit } = fleet.frozen;
    lines.push(
      style.bad(
        `Frozen: ${instances.join(', ')} lost, and no more than ${limit} taken over by itself. If they do not come back: wharf unfreeze`,
      ),
    );
  }
  for (const { kind, text } of fleet.alarms ?? []) {
    if (!fleet.frozen || kind !== 'mass_failure') lines.push(style.bad(`Alarm: ${oneLine(text, 1000)}`));
  }
  const waiting = fleet.waiting?.total ?? 0;
  if (waiting > 0)
    lines.push(
      style.warning(`${count(waiting, 'workspace')} without a live owner, waiting: wharf status --json`),
    );
  const quarantined = fleet.quarantined ?? [];
  if (quarantined.length > 0)
    lines.push(
      style.warning(
        `In quarantine: ${oneLine(quarantined.join(', '), 200)}. To try one: wharf move WORKSPACE INSTANCE`,
      ),
    );
  // Who tells its Chromium and not its version is of before that was told.
  const wharf = differingVersions(fleet, ({ chromium, version }) => version ?? (chromium && 'an older one'));
  if (wharf !== null)
    lines.push(style.warning(`Wharf differs: ${oneLine(wharf, 400)}. Finish the upgrade, or go back.`));
  const chromium = differingVersions(fleet, (instance) => instance.chromium);
  if (chromium !== null)
    lines.push(
      style.warning(
        `Chromium differs: ${oneLine(chromium, 400)}. What a newer one has opened goes to no instance with an older one: bring all to the newest.`,
      ),
    );
  return lines.map((line) => `${line}\n`).join('');
}

function memoryText({ rss_mb, browsers_pss_mb }: InstanceView): string {
  if (rss_mb === undefined) return NOTHING;
  return `${Math.round(rss_mb + (browsers_pss_mb ?? 0))} MB`;
}

function sessionsText({ style }: CommandContext, byStatus: Record<string, number>): string {
  const order: readonly string[] = sessionStatusSchema.options;
  const parts = Object.entries(byStatus)
    .filter(([, number]) => number > 0)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([status, number]) => `${number} ${paintStatus(style, status)}`);
  const total = Object.values(byStatus).reduce((sum, number) => sum + number, 0);
  if (total === 0) return 'There is no session yet. Link the first: wharf sessions create WORKSPACE --qr\n';
  return `${count(total, 'session')}: ${parts.join(', ')}\n`;
}

/** What waits to be sent; nothing where no message was handed in yet. */
function queuesLine({ style }: CommandContext, totals: QueueTotals | null): string {
  if (totals === null)
    return `${style.bad('The queues cannot be read: their Redis does not answer. Messages are refused meanwhile.')}\n`;
  if (totals.queues === 0) return '';
  const stuck = totals.by_state['stuck'] ?? 0;
  const parts = [
    `${count(totals.depth, 'message')} in ${count(totals.queues, 'queue')}`,
    `${totals.sent_last_minute} sent in the last whole minute`,
  ];
  const alarm =
    stuck === 0 ? '' : `; ${style.bad(`${count(stuck, 'session')} stuck`)}: wharf queues --state stuck`;
  return `${parts.join(', ')}${alarm}\n`;
}

/** What `--json` tells of backups: the rest is with `wharf backup list`. */
function lastBackup({ last_success, next_run, running, backups }: BackupList) {
  return { last_success, next_run, running: running?.kind ?? null, kept: backups.length };
}

/** When the last backup was made; that there is none, or nobody who makes them. */
function backupsLine({ style, terminal }: CommandContext, backups: BackupList | CommandFailure): string {
  if (backups instanceof CommandFailure)
    return `${style.bad(backups.code === 'backup_unavailable' ? 'No backup service runs' : `Backups cannot be seen (${backups.code})`)}: wharf backup list\n`;
  const { last_success, running } = backups;
  const last =
    last_success === null
      ? style.warning('No backup has been made yet')
      : `Last backup ${ago(last_success, terminal.now())}`;
  return running === null ? `${last}\n` : `${last}; a ${running.kind} goes on\n`;
}
