import { dashboard } from '../layout.ts';
import { lines, number } from '../panels.ts';

const HERE = 'wharf_instance=~"$wharf_instance"';

const quantiles = (name: string) => ({
  'p50 {{wharf_instance}}': `histogram_quantile(0.5, sum by (wharf_instance, le) (rate(${name}_bucket{${HERE}}[$__rate_interval])))`,
  'p99 {{wharf_instance}}': `histogram_quantile(0.99, sum by (wharf_instance, le) (rate(${name}_bucket{${HERE}}[$__rate_interval])))`,
});

/** One instance, or several: its sessions, what it stands on, what it uses. */
export const instance = dashboard({
  uid: 'wharf-instance',
  title: 'Wharf / Instance',
  description:
    'One instance, or several beside each other: its sessions, its ownership, its storage, what it uses.',
  byInstance: true,
  rows: {
    'At one look': [
      number({
        title: 'Sessions ready',
        description: 'Sessions that can send and receive.',
        queries: { ready: `sum(wharf_instance_sessions{status="ready", ${HERE}}) or vector(0)` },
      }),
      number({
        title: 'Sessions that do not come back',
        description: 'Failed four times in a row or more. wharf sessions list says why.',
        queries: { failing: `sum(wharf_instance_failing_sessions{${HERE}}) or vector(0)` },
        steps: [[1, 'orange']],
      }),
      number({
        title: 'Workspaces',
        description: 'Workspaces that it owns.',
        queries: { workspaces: `sum(wharf_instance_workspaces{${HERE}}) or vector(0)` },
      }),
      number({
        title: 'Memory of a session',
        description: 'The mean over its browsers.',
        queries: { mean: `max(instance:wharf_session_memory_bytes:avg{${HERE}}) or vector(0)` },
        unit: 'bytes',
        steps: [[400 * 1024 * 1024, 'orange']],
      }),
      number({
        title: 'Lease age',
        description: 'Renewed every 2 s; at 7 s its browsers are ended.',
        queries: { age: `max(wharf_instance_lease_age_seconds{${HERE}}) or vector(0)` },
        unit: 's',
        steps: [
          [3, 'yellow'],
          [6, 'red'],
        ],
      }),
      number({
        title: 'Storage',
        description: '1 while the claims can be read.',
        queries: { up: `min(wharf_instance_storage_up{${HERE}}) or vector(0)` },
      }),
    ],
    Sessions: [
      lines({
        title: 'Sessions by status',
        description: 'All sessions of the workspaces that it owns.',
        queries: { '{{status}}': `sum by (status) (wharf_instance_sessions{${HERE}})` },
        stacked: true,
      }),
      lines({
        title: 'Lost, by reason',
        description: 'Why browsers were started anew.',
        queries: {
          '{{reason}}': `sum by (reason) (increase(wharf_instance_sessions_lost_total{${HERE}}[$__rate_interval]))`,
        },
      }),
      lines({
        title: 'From a grant to ready',
        description: 'How long linked sessions take to come up when the instance gets their workspace.',
        queries: quantiles('wharf_instance_ready_seconds'),
        unit: 's',
      }),
      lines({
        title: 'Messages',
        description: 'Sent, failed, of unknown fate, tried again, received.',
        queries: {
          sent: `sum(rate(wharf_instance_messages_sent_total{${HERE}}[$__rate_interval]))`,
          failed: `sum(rate(wharf_instance_messages_failed_total{${HERE}}[$__rate_interval]))`,
          unknown: `sum(rate(wharf_instance_messages_unknown_total{${HERE}}[$__rate_interval]))`,
          'tried again': `sum(rate(wharf_instance_message_retries_total{${HERE}}[$__rate_interval]))`,
          received: `sum(rate(wharf_instance_messages_received_total{${HERE}}[$__rate_interval]))`,
        },
        unit: 'ops',
      }),
      lines({
        title: 'In hand',
        description: 'Messages under way, events that wait for their log, sessions that get no ack.',
        queries: {
          'under way': `sum(wharf_instance_messages_under_way{${HERE}})`,
          'events waiting': `sum(wharf_instance_events_waiting{${HERE}})`,
          'stuck sessions': `sum(wharf_instance_stuck_sessions{${HERE}})`,
        },
      }),
      lines({
        title: 'Browsers started again',
        description: 'After a loss, and since a message got no ack.',
        queries: {
          'after a loss': `sum(increase(wharf_instance_reconnects_total{${HERE}}[$__rate_interval]))`,
          'without an ack': `sum(increase(wharf_instance_browser_renewals_total{${HERE}}[$__rate_interval]))`,
        },
      }),
    ],
    'Ownership and storage': [
      lines({
        title: 'Lease age',
        description: 'A lease lives for 10 s and is renewed every 2 s.',
        queries: { '{{wharf_instance}}': `wharf_instance_lease_age_seconds{${HERE}}` },
        unit: 's',
      }),
      lines({
        title: 'A small file on the storage',
        description: 'Time to write and remove one, tried every 10 s.',
        queries: quantiles('wharf_instance_storage_probe_seconds'),
        unit: 's',
      }),
      lines({
        title: 'Storage and Redis',
        description: 'Files that could not be written; 1 while Redis gives proofs.',
        queries: {
          'failed writes {{wharf_instance}}': `increase(wharf_instance_storage_probe_failures_total{${HERE}}[$__rate_interval])`,
          'redis {{wharf_instance}}': `wharf_instance_redis_up{${HERE}}`,
        },
      }),
      lines({
        title: 'Room on the storage',
        description:
          'What each instance sees of the one storage: free, of all there is. Below 10 % is an alarm.',
        queries: {
          'free {{wharf_instance}}': `wharf_instance_storage_free_bytes{${HERE}}`,
          size: `max(wharf_instance_storage_size_bytes{${HERE}})`,
        },
        unit: 'bytes',
        width: 24,
      }),
      lines({
        title: 'What became of workspaces',
        description:
          'Claimed, handed over in order, taken by others, lost for want of proof; and starts of the process.',
        queries: {
          claimed: `sum(increase(wharf_instance_claims_total{${HERE}}[$__rate_interval]))`,
          'handed over': `sum(increase(wharf_instance_hand_overs_total{${HERE}}[$__rate_interval]))`,
          revoked: `sum(increase(wharf_instance_revocations_total{${HERE}}[$__rate_interval]))`,
          lapsed: `sum(increase(wharf_instance_lapses_total{${HERE}}[$__rate_interval]))`,
          restarts: `sum(increase(wharf_instance_restarts_total{${HERE}}[$__rate_interval]))`,
        },
        width: 24,
      }),
    ],
    Housekeeping: [
      lines({
        title: 'Memory of sessions',
        description:
          'What half of them, nine of ten, and the largest take. Large ones are restarted first: docs/housekeeping.md.',
        queries: {
          '{{share}}': `max by (share) (wharf_instance_session_memory_bytes{${HERE}, share=~"0.5|0.9|1"})`,
        },
        unit: 'bytes',
      }),
      lines({
        title: 'Browsers to be restarted',
        description:
          'Since they are old or large; held: one did not come back, so none is restarted; above the limit: WHATSAPP_SESSION_MEMORY_LIMIT.',
        queries: {
          due: `sum(wharf_instance_soft_restarts_due{${HERE}})`,
          held: `max(wharf_instance_soft_restarts_held{${HERE}})`,
          'above the limit': `sum(wharf_instance_sessions_over_memory_limit{${HERE}})`,
        },
      }),
      lines({
        title: 'Sessions that nobody uses',
        description: 'By what was done last: their workspace was told, or they were stopped.',
        queries: { '{{step}}': `sum by (step) (wharf_instance_inactive_sessions{${HERE}})` },
      }),
    ],
    'What it uses': [
      lines({
        title: 'Memory',
        description: 'Of all browsers (PSS), and of the process itself (RSS).',
        queries: {
          'browsers {{wharf_instance}}': `wharf_instance_browsers_pss_bytes{${HERE}}`,
          'process {{wharf_instance}}': `process_resident_memory_bytes{job="wharf-instance", ${HERE}}`,
        },
        unit: 'bytes',
      }),
      lines({
        title: 'Processors',
        description: 'Cores used by the process and its browsers.',
        queries: { '{{wharf_instance}}': `wharf_instance_cpu_cores{${HERE}}` },
      }),
      lines({
        title: 'Lag of the event loop',
        description: 'p99; beyond half a second it has no time for leases and messages.',
        queries: { '{{wharf_instance}}': `nodejs_eventloop_lag_p99_seconds{job="wharf-instance", ${HERE}}` },
        unit: 's',
      }),
    ],
  },
});
