import { dashboard } from '../layout.ts';
import { lines, number } from '../panels.ts';

/** Backups. A service that waits for the lease knows of none: max. */
export const backups = dashboard({
  uid: 'wharf-backups',
  title: 'Wharf / Backups',
  description: 'Whether backups are made, hold everything, and can be trusted. docs/backup.md.',
  rows: {
    'At one look': [
      number({
        title: 'Age of the last one',
        description: 'More than 90 minutes is an alarm.',
        queries: { age: 'wharf:backup_age:seconds' },
        unit: 's',
        steps: [
          [4500, 'yellow'],
          [5400, 'red'],
        ],
      }),
      number({
        title: 'Makes backups',
        description: 'Services that hold the lease: 1, however many run.',
        queries: { leads: 'sum(wharf_backup_lease_held)' },
      }),
      number({
        title: 'Sessions copied',
        description: 'In the last run.',
        queries: { copied: 'max(wharf_backup_sessions{outcome="copied"}) or vector(0)' },
      }),
      number({
        title: 'Carried or missed',
        description:
          'Not copied in the last run: an older copy stands in (carried), or there is none (missed).',
        queries: {
          missing: 'sum(max by (outcome) (wharf_backup_sessions{outcome=~"carried|missed"})) or vector(0)',
        },
        steps: [[1, 'orange']],
      }),
      number({
        title: 'Found damaged',
        description: 'By verifications, since the service started.',
        queries: { damaged: 'sum(wharf_backup_damaged_total)' },
        steps: [[1, 'red']],
      }),
      number({
        title: 'Size of all profiles',
        description: 'In the last backup, uncompressed.',
        queries: { bytes: 'max(wharf_backup_profile_bytes)' },
        unit: 'bytes',
      }),
    ],
    Runs: [
      lines({
        title: 'How long the last run took',
        description: 'Every hour one is made; longer than that, and they follow each other without a pause.',
        queries: { duration: 'max(wharf_backup_duration_seconds)' },
        unit: 's',
      }),
      lines({
        title: 'Sessions of the last run',
        description: 'copied, carried over from an earlier backup, missed.',
        queries: { '{{outcome}}': 'max by (outcome) (wharf_backup_sessions)' },
        stacked: true,
      }),
      lines({
        title: 'Runs, by outcome',
        description: 'partial: sessions are carried or missed.',
        queries: { '{{outcome}}': 'sum by (outcome) (increase(wharf_backup_runs_total[1h]))' },
      }),
      lines({
        title: 'What goes on',
        description: '1 while a run, a verification or a pruning goes on.',
        queries: { '{{kind}}': 'max by (kind) (wharf_backup_running)' },
      }),
      lines({
        title: 'Sent to the store',
        description: 'Objects; what is there already is not sent again.',
        queries: { sent: 'sum(rate(wharf_backup_sent_bytes_total[$__rate_interval]))' },
        unit: 'Bps',
      }),
      lines({
        title: 'How long browsers stand still',
        description: 'To be copied: beyond a second customers may notice.',
        queries: {
          p50: 'histogram_quantile(0.5, sum by (le) (rate(wharf_backup_frozen_seconds_bucket[1h]))) >= 0 or vector(0)',
          p99: 'histogram_quantile(0.99, sum by (le) (rate(wharf_backup_frozen_seconds_bucket[1h]))) >= 0 or vector(0)',
        },
        unit: 's',
      }),
    ],
    Trust: [
      lines({
        title: 'Operations that ended',
        description: 'Runs, verifications, prunings; by outcome.',
        queries: {
          '{{kind}} {{outcome}}': 'sum by (kind, outcome) (increase(wharf_backup_operations_total[1h]))',
        },
        width: 12,
      }),
      lines({
        title: 'What failed after a backup',
        description: 'Looking at a sample, removing what is not kept.',
        queries: { '{{step}}': 'sum by (step) (increase(wharf_backup_after_failures_total[1h]))' },
        width: 12,
      }),
    ],
  },
});
