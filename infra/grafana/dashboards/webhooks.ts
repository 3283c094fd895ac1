import { dashboard } from '../layout.ts';
import { lines, number } from '../panels.ts';

/** Webhooks and streams of events. Each router counts what it delivers itself: sums. */
export const webhooks = dashboard({
  uid: 'wharf-webhooks',
  title: 'Wharf / Webhooks and events',
  description:
    'What is delivered to whom, what receivers refuse, and who follows streams. docs/webhooks.md, docs/events.md.',
  rows: {
    'At one look': [
      number({
        title: 'Receivers',
        description: 'Webhooks that are delivered to.',
        queries: { receivers: 'sum(wharf_webhook_receivers)' },
      }),
      number({
        title: 'Receivers that take nothing',
        description: 'Their circuit is open: they are only probed.',
        queries: { open: 'sum(wharf_webhook_open_circuits)' },
        steps: [[1, 'orange']],
      }),
      number({
        title: 'Pending',
        description: 'Events read and not taken; at most 500 for a receiver are read ahead.',
        queries: { pending: 'sum(wharf_webhook_events_pending)' },
      }),
      number({
        title: 'Oldest pending',
        description: 'Age of the oldest event that was not taken.',
        queries: { oldest: 'max(wharf_webhook_oldest_pending_seconds)' },
        unit: 's',
        steps: [
          [300, 'yellow'],
          [1800, 'red'],
        ],
      }),
      number({
        title: 'Dead letters',
        description: 'Events given up and kept: wharf webhooks replay sends them again.',
        queries: { kept: 'sum(wharf_webhook_dead_letters)' },
        steps: [[1, 'orange']],
      }),
      number({
        title: 'Shards served',
        description: 'Of 64: fewer for more than a few seconds, and some workspaces get no events.',
        queries: { shards: 'sum(wharf_webhook_shards)' },
      }),
    ],
    Deliveries: [
      lines({
        title: 'Tries, by result',
        description: 'taken: 2xx; refused: another status; failed: no whole answer.',
        queries: { '{{result}}': 'sum by (result) (rate(wharf_webhook_deliveries_total[$__rate_interval]))' },
        unit: 'ops',
        stacked: true,
      }),
      lines({
        title: 'Time that receivers take',
        description: 'To the end of their answer.',
        queries: {
          p50: 'histogram_quantile(0.5, sum by (le) (rate(wharf_webhook_delivery_seconds_bucket[$__rate_interval]))) >= 0 or vector(0)',
          p99: 'histogram_quantile(0.99, sum by (le) (rate(wharf_webhook_delivery_seconds_bucket[$__rate_interval]))) >= 0 or vector(0)',
        },
        unit: 's',
      }),
      lines({
        title: 'Pending, set aside, under way',
        description:
          'Set aside: refused while others were taken, and retried beside the order of their session.',
        queries: {
          pending: 'sum(wharf_webhook_events_pending)',
          'set aside': 'sum(wharf_webhook_events_aside)',
          'under way': 'sum(wharf_webhook_requests_under_way)',
        },
      }),
      lines({
        title: 'Given up, set aside, forgotten',
        description: 'Forgotten: no longer kept when their turn came; raise EVENT_RETENTION_HOURS.',
        queries: {
          'given up': 'sum(increase(wharf_webhook_dead_letters_total[$__rate_interval]))',
          'set aside': 'sum(increase(wharf_webhook_events_set_aside_total[$__rate_interval]))',
          forgotten: 'sum(increase(wharf_webhook_events_forgotten_total[$__rate_interval]))',
        },
        width: 12,
      }),
      lines({
        title: 'Shards, by router',
        description: 'Workspaces are shared out over the routers in 64 shards.',
        queries: { '{{instance}}': 'wharf_webhook_shards' },
        stacked: true,
        width: 12,
      }),
    ],
    'Streams of events': [
      lines({
        title: 'Clients that follow',
        description: 'Open streams, and the workspaces whose events are read for them.',
        queries: { streams: 'sum(wharf_event_streams)', feeds: 'sum(wharf_event_feeds)' },
      }),
      lines({
        title: 'Events written to streams',
        description: 'To all of them.',
        queries: { events: 'sum(rate(wharf_event_stream_events_total[$__rate_interval]))' },
        unit: 'ops',
      }),
      lines({
        title: 'Streams opened, and ended for slowness',
        description: 'Slow: the client read nothing for 30 seconds.',
        queries: {
          opened: 'sum(increase(wharf_event_streams_opened_total[$__rate_interval]))',
          slow: 'sum(increase(wharf_event_streams_slow_total[$__rate_interval]))',
        },
      }),
    ],
  },
});
