import type { Backups, Fleet, Instance, Operation, QueueTotals, Webhook } from '../api/types.ts';
import type { ViewName } from './route.ts';
import { ago, count } from './text.ts';

/** Something that somebody should look at; gone by itself when it no longer holds. Commands in texts stand between backticks. */
export interface Alarm {
  /** One of a kind among those that hold at a time. */
  id: string;
  tone: 'bad' | 'attention';
  title: string;
  text: string;
  /** What to do. */
  advice: string;
  /** Where docs/runbook.md says more. */
  runbook?: string;
  /** A way out, behind a question. */
  button?: { label: string; operation: Operation };
  /** Where on this page there is more. */
  link?: { label: string; view: ViewName; query?: Record<string, string> };
}

/** What alarms are drawn from; what is not known raises none. */
export interface Sources {
  fleet: Fleet | null;
  queues: QueueTotals | null;
  webhooks: readonly Webhook[] | null;
  backups: Backups | undefined;
  /** Why the backups cannot be asked for. */
  backupsFault: string | null;
}

/** Milliseconds after which a backup is too old: they are made every hour. */
const OLD_BACKUP = 90 * 60_000;

/** Ids that are named; the others are counted. */
const MOST_NAMED = 8;

/** What somebody should look at, the worst first. */
export function alarmsOf(sources: Sources, now: number = Date.now()): Alarm[] {
  const { fleet, queues, webhooks, backups, backupsFault } = sources;
  const all = [
    ...(fleet === null ? [] : fleetAlarms(fleet)),
    ...(queues === null ? [] : queueAlarms(queues)),
    ...(webhooks === null ? [] : webhookAlarms(webhooks)),
    ...(fleet === null ? [] : backupAlarms(backups, backupsFault, now)),
  ];
  return all.sort((one, other) => Number(one.tone !== 'bad') - Number(other.tone !== 'bad'));
}

/** What goes with the alarms that the router raises, by their kind. */
const ROUTER_ALARMS: Readonly<Record<string, Pick<Alarm, 'title' | 'tone' | 'advice' | 'runbook'>>> = {
  no_capacity: {
    title: 'No room',
    tone: 'bad',
    advice:
      'Start another instance, or bring a lost one back: the workspaces that wait go on by themselves. Raise `WHATSAPP_MAX_SESSIONS_PER_INSTANCE` only where memory allows it.',
    runbook: 'Capacity runs out',
  },
  no_reserve: {
    title: 'No reserve',
    tone: 'attention',
    advice: 'Nothing is wrong yet. Add an instance before one is lost, or `wharf rebalance`.',
    runbook: 'Capacity runs out',
  },
  not_claimed: {
    title: 'Takeover is stuck',
    tone: 'bad',
    advice:
      'Look at the log of the instance, and run `wharf doctor` on its host: the shared storage may not answer there. It is tried elsewhere after two tries.',
    runbook: 'Storage is slow or gone',
  },
  quarantined: {
    title: 'In quarantine',
    tone: 'attention',
    advice:
      'Read the log of the instances that died. To try one again: `wharf move WORKSPACE INSTANCE`, best to an instance with little else on it.',
    runbook: 'An instance is down',
  },
  instance_lost: {
    title: 'Instance lost',
    tone: 'bad',
    advice: 'Its workspaces come up elsewhere by themselves. Look at its host.',
    runbook: 'An instance is down',
  },
};

function fleetAlarms(fleet: Fleet): Alarm[] {
  const { frozen, redis, leader, waiting } = fleet;
  const alarms: Alarm[] = [];
  if (!redis.ok)
    alarms.push({
      id: 'redis',
      tone: 'bad',
      title: 'Redis is away',
      text: 'What is shown is as it was before. Sessions go on; nothing moves until it is back.',
      advice:
        'Look whether its server runs and answers: `redis-cli -u $REDIS_URL ping`. Restart nothing else.',
      runbook: 'Redis is away',
    });
  else if (leader === null)
    alarms.push({
      id: 'leader',
      tone: 'attention',
      title: 'No router leads',
      text: 'Nothing is taken over or moved until one does: as a rule a matter of seconds.',
      advice: 'If it stays, look at the logs of the routers: `journalctl -u wharf-router`.',
    });
  if (frozen)
    alarms.push({
      id: 'frozen',
      tone: 'bad',
      title: 'Frozen',
      text: `${frozen.instances.join(', ')} lost at once; no more than ${frozen.limit} at a time ${frozen.limit === 1 ? 'is' : 'are'} taken over without being asked.`,
      advice:
        'Find out whether they are really lost: so many at once are mostly a network or a storage that is cut off. They go on by themselves when they are back.',
      runbook: 'The fleet is frozen',
      button: { label: 'Take over now', operation: { kind: 'unfreeze', instances: frozen.instances } },
    });
  alarms.push(...instanceAlarms(fleet));
  for (const { kind, text } of fleet.alarms) {
    if (frozen !== null && kind === 'mass_failure') continue;
    const known = ROUTER_ALARMS[kind];
    alarms.push({
      id: kind,
      text,
      ...(known ?? { tone: 'bad', title: kind.replaceAll('_', ' '), advice: 'See `wharf status`.' }),
    });
  }
  if (waiting.total > 0 && frozen === null)
    alarms.push({
      id: 'waiting',
      tone: 'attention',
      title: 'Waiting for an owner',
      text: `${count(waiting.total, 'workspace')} ${waiting.total === 1 ? 'has' : 'have'} no live owner: ${named(waiting.workspaces.map(({ workspace_id }) => String(workspace_id)))}. ${waiting.workspaces[0]?.why ?? ''}`,
      advice:
        'They are taken over by themselves. If it lasts longer than two minutes, see what each waits for.',
      runbook: 'An instance is down',
    });
  return alarms;
}

/** What the health monitor may conclude of an instance that is well, or will be by itself. */
const WELL = ['healthy', 'unknown', 'restarting'];

/** Whether something is wrong with an instance. */
export function isUnwell({ verdict, status }: Pick<Instance, 'verdict' | 'status'>): boolean {
  return verdict === undefined ? status === 'gone' || status === 'unhealthy' : !WELL.includes(verdict);
}

function instanceAlarms({ instances, frozen }: Fleet): Alarm[] {
  const unwell = instances.filter((each) => isUnwell(each) && !frozen?.instances.includes(each.id));
  const [first] = unwell;
  if (first === undefined) return [];
  const isEmpty = unwell.every(({ workspaces }) => workspaces === 0);
  const reasons = unwell.map(({ id, verdict_reason }) => (verdict_reason ? `${id}: ${verdict_reason}` : id));
  return [
    {
      id: 'instances',
      tone: isEmpty ? 'attention' : 'bad',
      title: unwell.length === 1 ? `${first.id} is not well` : `${unwell.length} instances are not well`,
      text: `${named(reasons)}.${isEmpty ? ' Nothing is assigned there any more.' : ''}`,
      advice:
        'What it ran comes up elsewhere by itself. Look at its host: `systemctl status wharf-instance@N`, and its log. When it is back, Rebalance brings its workspaces home.',
      runbook: 'An instance is down',
    },
  ];
}

function queueAlarms({ by_state }: QueueTotals): Alarm[] {
  const stuck = by_state['stuck'] ?? 0;
  if (stuck === 0) return [];
  return [
    {
      id: 'queues',
      tone: 'bad',
      title: count(stuck, 'stuck queue'),
      text: 'Nothing was sent for five minutes though something could be.',
      advice: 'Each says what it waits for. Restart the session; nothing that was accepted is lost.',
      runbook: 'A queue is stuck',
      link: { label: 'Show them', view: 'queues', query: { state: 'stuck' } },
    },
  ];
}

function webhookAlarms(webhooks: readonly Webhook[]): Alarm[] {
  const down = webhooks.filter(({ state }) => state === 'disabled' || state === 'circuit_open');
  const dead = webhooks.filter(({ dead_letters }) => dead_letters > 0);
  const letters = dead.reduce((sum, { dead_letters }) => sum + dead_letters, 0);
  const alarms: Alarm[] = [];
  if (down.length > 0)
    alarms.push({
      id: 'webhooks',
      tone: 'attention',
      title: `${count(down.length, 'webhook')} ${down.length === 1 ? 'takes' : 'take'} nothing`,
      text: `Workspace ${named(down.map(({ workspace_id }) => String(workspace_id)))}. Events are kept, and retried for three days.`,
      advice: 'Whoever runs the receiver must mend it. One that is disabled goes on only when it is enabled.',
      runbook: 'Webhooks fail',
      link: { label: 'Show them', view: 'webhooks' },
    });
  if (letters > 0)
    alarms.push({
      id: 'dead-letters',
      tone: 'attention',
      title: count(letters, 'dead letter'),
      text: `Events that were given up, of workspace ${named(dead.map(({ workspace_id }) => String(workspace_id)))}.`,
      advice: 'When the receiver is well again, replay them.',
      runbook: 'Webhooks fail',
      link: { label: 'Show them', view: 'webhooks' },
    });
  return alarms;
}

function backupAlarms(backups: Backups | undefined, fault: string | null, now: number): Alarm[] {
  const link = { label: 'Show backups', view: 'backups' } as const;
  if (fault !== null)
    return [
      {
        id: 'backup-service',
        tone: 'attention',
        title: 'Backups cannot be seen',
        text: fault,
        advice: 'Start the backup service: `systemctl start wharf-backup`. Its log says why it ended.',
        runbook: 'Backup failed',
      },
    ];
  if (backups === undefined) return [];
  const { list, operations } = backups;
  const alarms: Alarm[] = [];
  const lastRun = operations.find(({ kind, state }) => kind === 'run' && state !== 'running');
  const age = list.last_success === null ? null : now - Date.parse(list.last_success);
  if (lastRun?.state === 'failed')
    alarms.push({
      id: 'backup-failed',
      tone: 'bad',
      title: 'The last backup failed',
      text: `${ago(lastRun.ended_at, now)}: ${lastRun.error ?? 'its log says why'}`,
      advice: 'It is tried again by itself at the next time. Nothing that is kept was touched.',
      runbook: 'Backup failed',
      link,
    });
  else if (age !== null && age > OLD_BACKUP)
    alarms.push({
      id: 'backup-old',
      tone: 'bad',
      title: 'The last backup is old',
      text: `It is from ${ago(list.last_success, now)}; they are made at "${list.schedule}" (UTC).`,
      advice: 'See what the service does: `wharf backup operations`, and its log.',
      runbook: 'Backup failed',
      link,
    });
  const damaged = list.backups.filter(({ state }) => state === 'damaged').length;
  if (damaged > 0)
    alarms.push({
      id: 'backup-damaged',
      tone: 'bad',
      title: `${count(damaged, 'backup')} cannot be read`,
      text: `The others do not need ${damaged === 1 ? 'it' : 'them'}.`,
      advice: '`wharf backup verify --all` says what else is damaged.',
      runbook: 'Backup failed',
      link,
    });
  return alarms;
}

/** The first few, and how many more there are. */
function named(ids: readonly string[]): string {
  const more = ids.length - MOST_NAMED;
  return more > 0 ? `${ids.slice(0, MOST_NAMED).join(', ')} and ${more} more` : ids.join(', ');
}
