import { dashboard } from '../layout.ts';
import { lines, number } from '../panels.ts';

/** Queues and messages. Figures of the fleet are the same at every router: max, not sum. */
export const messages = dashboard({
  uid: 'wharf-messages',
  title: 'Wharf / Queues and messages',
  description:
    'What is accepted, what waits and why, what became of it. docs/messages.md, docs/monitoring.md.',
  rows: {
    'At one look': [
      number({
        title: 'Queued',
        description: 'Messages that may go and have not ended.',
        queries: { queued: 'sum(max by (priority) (wharf_queue_messages))' },
      }),
      number({
        title: 'For later',
        description: 'Messages with a time that has not come.',
        queries: { delayed: 'max(wharf_queue_delayed_messages)' },
      }),
      number({
        title: 'Oldest',
        description: 'Age of the oldest message that may be sent.',
        queries: { oldest: 'max(wharf_queue_oldest_seconds)' },
        unit: 's',
        steps: [
          [600, 'yellow'],
          [3600, 'red'],
        ],
      }),
      number({
        title: 'Stuck sessions',
        description: 'Ready, with messages that may go, and nothing sent for five minutes.',
        queries: { stuck: 'max(wharf_queue_stuck_sessions)' },
        steps: [[1, 'red']],
      }),
      number({
        title: 'Redis of the queues',
        description: '1 while it answers. While it is 0, messages are refused.',
        queries: { up: 'max(wharf_queue_redis_up)' },
      }),
      number({
        title: 'Refused',
        description: 'In the last hour: queue full, or its Redis away.',
        queries: {
          refused:
            'sum(increase(wharf_messages_full_total[1h])) + sum(increase(wharf_messages_not_accepted_total[1h]))',
        },
        steps: [[1, 'orange']],
      }),
    ],
    'In and out': [
      lines({
        title: 'Accepted, by priority',
        description: 'Written to the queues by all routers.',
        queries: {
          '{{priority}}': 'sum by (priority) (rate(wharf_messages_accepted_total[$__rate_interval]))',
        },
        unit: 'ops',
        stacked: true,
      }),
      lines({
        title: 'What became of them',
        description:
          'Sent: WhatsApp acknowledged it. Unknown: it may have left, and is not sent again unless the policy says so.',
        queries: {
          sent: 'sum(rate(wharf_instance_messages_sent_total[$__rate_interval]))',
          failed: 'sum(rate(wharf_instance_messages_failed_total[$__rate_interval]))',
          unknown: 'sum(rate(wharf_instance_messages_unknown_total[$__rate_interval]))',
        },
        unit: 'ops',
      }),
      lines({
        title: 'Received',
        description: 'Messages that came in.',
        queries: {
          '{{wharf_instance}}':
            'sum by (wharf_instance) (rate(wharf_instance_messages_received_total[$__rate_interval]))',
        },
        unit: 'ops',
        stacked: true,
      }),
    ],
    'What waits': [
      lines({
        title: 'Queued, by priority',
        description: 'Messages that have not ended and are not for later.',
        queries: { '{{priority}}': 'max by (priority) (wharf_queue_messages)' },
        stacked: true,
      }),
      lines({
        title: 'Sessions with a queue, by how it gets on',
        description: 'docs/monitoring.md says what each state means.',
        queries: { '{{state}}': 'max by (state) (wharf_queue_sessions)' },
        stacked: true,
      }),
      lines({
        title: 'Age of the oldest message',
        description: 'That may be sent.',
        queries: { oldest: 'max(wharf_queue_oldest_seconds)' },
        unit: 's',
      }),
    ],
    'What goes wrong': [
      lines({
        title: 'Refused, repeated, unreplicated',
        description:
          'Full: QUEUE_MAX_DEPTH. Not accepted: Redis away. Repeated: handed in twice, kept once. Unreplicated: on one disk only.',
        queries: {
          full: 'sum(increase(wharf_messages_full_total[$__rate_interval]))',
          'not accepted': 'sum(increase(wharf_messages_not_accepted_total[$__rate_interval]))',
          repeated: 'sum(increase(wharf_messages_repeated_total[$__rate_interval]))',
          unreplicated: 'sum(increase(wharf_messages_unreplicated_total[$__rate_interval]))',
        },
      }),
      lines({
        title: 'Tries again, browsers renewed',
        description:
          'Tries of messages that failed and were followed by another; browsers started anew since a message got no ack.',
        queries: {
          'tried again': 'sum(increase(wharf_instance_message_retries_total[$__rate_interval]))',
          renewed: 'sum(increase(wharf_instance_browser_renewals_total[$__rate_interval]))',
        },
      }),
      lines({
        title: 'Ended, since counters began',
        description: 'Of the sessions there are; a deleted session takes its own with it.',
        queries: {
          sent: 'max(wharf_queue_sent_messages)',
          failed: 'max(wharf_queue_failed_messages)',
          unknown: 'max(wharf_queue_unknown_messages)',
        },
      }),
    ],
  },
});
