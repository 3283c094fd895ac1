import { dashboard } from '../layout.ts';
import { lines, number, table } from '../panels.ts';

/** Everything at one look: what an operator opens first. */
export const fleet = dashboard({
  uid: 'wharf-fleet',
  title: 'Wharf / Fleet',
  description:
    'Everything at one look. Runbook: docs/runbook.md. What each metric means: docs/monitoring.md.',
  rows: {
    'Is all well?': [
      number({
        title: 'Instances up',
        description:
          'Instances that answer. Fewer than there should be: the others have taken over; add room.',
        queries: { up: 'count(up{job="wharf-instance"} == 1) or vector(0)' },
      }),
      number({
        title: 'Sessions ready',
        description: 'Of those that should run and that nobody needs to link.',
        queries: { ready: 'max(wharf:sessions_ready:ratio) or vector(1)' },
        unit: 'percentunit',
      }),
      number({
        title: 'Places taken',
        description: 'Add an instance before 85 %.',
        queries: { taken: 'max(wharf:utilization:ratio) or vector(0)' },
        unit: 'percentunit',
        steps: [
          [0.7, 'yellow'],
          [0.85, 'red'],
        ],
      }),
      number({
        title: 'Alarms on',
        description: 'Alarms of Prometheus that are on, the watchdog left out.',
        queries: {
          alarms:
            'count(ALERTS{alertstate="firing", alertname!="WharfWatchdog", severity!="info"}) or vector(0)',
        },
        steps: [[1, 'red']],
      }),
      number({
        title: 'Oldest message',
        description: 'Age of the oldest message that may be sent.',
        queries: { oldest: 'max(wharf_queue_oldest_seconds) or vector(0)' },
        unit: 's',
        steps: [
          [600, 'yellow'],
          [3600, 'red'],
        ],
      }),
      number({
        title: 'Last backup',
        description: 'How old it is. None is known: the time since 1970.',
        queries: { age: 'wharf:backup_age:seconds' },
        unit: 's',
        steps: [
          [4500, 'yellow'],
          [5400, 'red'],
        ],
      }),
    ],
    'Sessions and messages': [
      lines({
        title: 'Sessions by status',
        description:
          'All sessions of all instances. Those of a lost instance are missing until they are taken over.',
        queries: { '{{status}}': 'wharf:sessions:sum' },
        stacked: true,
      }),
      lines({
        title: 'Messages',
        description: 'Accepted by the routers, sent (acknowledged by WhatsApp), failed, received.',
        queries: {
          accepted: 'sum(rate(wharf_messages_accepted_total[$__rate_interval]))',
          sent: 'sum(rate(wharf_instance_messages_sent_total[$__rate_interval]))',
          failed: 'sum(rate(wharf_instance_messages_failed_total[$__rate_interval]))',
          received: 'sum(rate(wharf_instance_messages_received_total[$__rate_interval]))',
        },
        unit: 'ops',
      }),
      lines({
        title: 'Sessions lost, by reason',
        description:
          'Browsers that ended, pages that crashed, connections that broke. A few are normal; each comes back by itself.',
        queries: {
          '{{reason}}': 'sum by (reason) (increase(wharf_instance_sessions_lost_total[$__rate_interval]))',
        },
      }),
    ],
    'HTTP at the routers': [
      lines({
        title: 'Requests by status',
        description: 'Answers of all routers.',
        queries: {
          '{{status}}': 'sum by (status) (rate(wharf_router_request_seconds_count[$__rate_interval]))',
        },
        unit: 'reqps',
        stacked: true,
      }),
      lines({
        title: 'Time to send a message',
        description: 'From a request to its answer, POST .../messages; those with wait= include WhatsApp.',
        queries: {
          p50: 'histogram_quantile(0.5, sum by (le) (rate(wharf_router_request_seconds_bucket{method="POST", route=~".*messages"}[$__rate_interval]))) >= 0 or vector(0)',
          p99: 'histogram_quantile(0.99, sum by (le) (rate(wharf_router_request_seconds_bucket{method="POST", route=~".*messages"}[$__rate_interval]))) >= 0 or vector(0)',
        },
        unit: 's',
      }),
      lines({
        title: 'Requests with an error of ours',
        description: 'The share of answers 5xx. 503 says "try again soon": no instance, or a queue away.',
        queries: { errors: 'max(wharf:router_errors:ratio_rate5m) or vector(0)' },
        unit: 'percentunit',
      }),
    ],
    'Room and memory': [
      lines({
        title: 'Places taken, by instance',
        description: 'The fleet must be able to lose the fullest instance.',
        queries: { '{{wharf_instance}}': 'instance:wharf_utilization:ratio' },
        unit: 'percentunit',
      }),
      lines({
        title: 'Memory of browsers, by instance',
        description: 'PSS of all browsers.',
        queries: { '{{wharf_instance}}': 'wharf_instance_browsers_pss_bytes' },
        unit: 'bytes',
      }),
      lines({
        title: 'Processors, by instance',
        description: 'Cores that the process and its browsers use.',
        queries: { '{{wharf_instance}}': 'wharf_instance_cpu_cores' },
      }),
    ],
    'Redis, versions, keys': [
      lines({
        title: 'Memory of Redis',
        description: 'By redis_exporter. At maxmemory messages are refused.',
        queries: { '{{instance}}': 'redis_memory_used_bytes' },
        unit: 'bytes',
      }),
      table({
        title: 'Versions',
        description: 'What runs where: after an upgrade, one line for each component.',
        queries: { builds: 'count by (component, version, node, chromium) (wharf_build_info)' },
        width: 8,
      }),
      table({
        title: 'Oldest keys',
        description: 'How old the oldest API keys and the internal token are.',
        queries: {
          keys: 'time() - max by (scope) (wharf_api_key_oldest_created_timestamp_seconds) or label_replace(time() - max(wharf_internal_token_created_timestamp_seconds), "scope", "internal token", "", "")',
        },
        unit: 's',
        width: 8,
      }),
    ],
  },
});
