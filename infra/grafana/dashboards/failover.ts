import { dashboard } from '../layout.ts';
import { lines, number, table } from '../panels.ts';

/** Who owns what, and how it changes hands. */
export const failover = dashboard({
  uid: 'wharf-failover',
  title: 'Wharf / Failover',
  description:
    'Lost instances, takeovers, moves, and what is concluded about each instance. docs/failover.md.',
  rows: {
    'At one look': [
      number({
        title: 'Routers that lead',
        description: 'One. None: nothing is taken over.',
        queries: { leads: 'sum(wharf_leader) or vector(0)' },
      }),
      number({
        title: 'Frozen',
        description: '1 while lost instances wait, since too many are lost at a time: wharf unfreeze.',
        queries: { frozen: 'max(wharf_frozen) or vector(0)' },
        steps: [[1, 'red']],
      }),
      number({
        title: 'Waiting workspaces',
        description: 'Of lost instances, without a place.',
        queries: { waiting: 'max(wharf_waiting_workspaces) or vector(0)' },
        steps: [[1, 'red']],
      }),
      number({
        title: 'Quarantined workspaces',
        description: 'Instances died while they were starting: placed by operators only.',
        queries: { quarantined: 'max(wharf_quarantined_workspaces) or vector(0)' },
        steps: [[1, 'orange']],
      }),
      number({
        title: 'Takeovers under way',
        description: 'Workspaces taken over whose sessions are not all ready.',
        queries: { 'under way': 'sum(wharf_takeovers_under_way) or vector(0)' },
        steps: [[1, 'yellow']],
      }),
      number({
        title: 'Moves under way',
        description: 'Planned ones.',
        queries: { 'under way': 'max(wharf_moves_under_way) or vector(0)' },
      }),
    ],
    Instances: [
      table({
        title: 'What is concluded about each instance',
        description: 'As the leader sees it; the others see the same.',
        queries: { verdicts: 'max by (wharf_instance, verdict) (wharf_instance_verdict)' },
        width: 8,
      }),
      lines({
        title: 'Age of leases',
        description: 'As the routers see it. One that is lost has none.',
        queries: { '{{wharf_instance}}': 'max by (wharf_instance) (wharf_lease_age_seconds)' },
        unit: 's',
      }),
      lines({
        title: 'Instances, by status',
        description: 'Whose lease is held.',
        queries: { '{{status}}': 'max by (status) (wharf_router_instances)' },
        stacked: true,
      }),
    ],
    'Takeovers and moves': [
      lines({
        title: 'Workspaces taken over',
        description: 'From lost instances.',
        queries: { 'taken over': 'sum(increase(wharf_takeovers_total[$__rate_interval]))' },
      }),
      lines({
        title: 'From a loss noticed to ready elsewhere',
        description: 'For each session of a lost instance.',
        queries: {
          p50: 'histogram_quantile(0.5, sum by (le) (increase(wharf_takeover_ready_seconds_bucket[1h]))) >= 0 or vector(0)',
          p95: 'histogram_quantile(0.95, sum by (le) (increase(wharf_takeover_ready_seconds_bucket[1h]))) >= 0 or vector(0)',
        },
        unit: 's',
      }),
      lines({
        title: 'Moves that ended',
        description: 'By reason and outcome.',
        queries: {
          '{{reason}} {{outcome}}':
            'sum by (reason, outcome) (increase(wharf_moves_total[$__rate_interval]))',
        },
      }),
      lines({
        title: 'Alarms of the failover',
        description: 'wharf status says each in words.',
        queries: { '{{kind}}': 'max by (kind) (wharf_alarms)' },
      }),
      lines({
        title: 'Requests held',
        description: 'While their workspace comes up.',
        queries: { '{{instance}}': 'wharf_router_held_requests' },
        stacked: true,
      }),
      lines({
        title: 'Redis, as routers see it',
        description: '1 while it answers.',
        queries: {
          'ownership {{instance}}': 'wharf_router_redis_up',
          'queues {{instance}}': 'wharf_queue_redis_up',
        },
      }),
    ],
  },
});
