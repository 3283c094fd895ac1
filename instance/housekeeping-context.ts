import { tmpdir } from 'node:os';
import type { Registry } from 'prom-client';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { FileClaims } from '../fleet/file-claims.ts';
import type { SessionPaths } from '../fleet/session-paths.ts';
import type { Chore } from './chores.ts';
import type { InstanceConfig } from './config.ts';
import type { SessionCopies } from './copies/session-copies.ts';
import type { HostUsageMeter } from './host-usage.ts';
import { ToldMemory } from './housekeeping/browser-memory.ts';
import { ClockWatch } from './housekeeping/clock-watch.ts';
import { isShort, readHostMemory } from './housekeeping/host-memory.ts';
import { HousekeepingMetrics } from './housekeeping/housekeeping-metrics.ts';
import { Inactivity } from './housekeeping/inactivity.ts';
import { Leftovers } from './housekeeping/leftovers.ts';
import { SoftRestarts } from './housekeeping/soft-restarts.ts';
import type { InstanceMessaging } from './messaging-context.ts';
import type { Ownership } from './ownership.ts';
import type { Trash } from './profile/trash.ts';
import type { Session } from './session/session.ts';
import type { SessionManager } from './session/session-manager.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How often it is looked for a browser to restart. */
const RESTART_LOOK = 15_000;
/** What can wait begins so long after a start: there is enough to do then, and histories that tell of activity are read first. */
const REST = 15 * MINUTE;
/** A soft restart may wait for its turn at the gate of starts, and be tried twice. */
const TRIES = 2;

/** What the housekeeping is made of. */
export interface HousekeepingSources {
  config: Pick<InstanceConfig, 'instance' | 'housekeeping' | 'life' | 'scratch'>;
  paths: SessionPaths;
  manager: SessionManager;
  messaging: Pick<
    InstanceMessaging,
    'sending' | 'queues' | 'histories' | 'events' | 'purgeMedia' | 'purgeEvents'
  >;
  copies: Pick<SessionCopies, 'isUnderWay'>;
  ownership: Ownership;
  trash: Trash;
  usage: HostUsageMeter;
  registry: Registry;
  /** What the host's clock is compared with: see {@link ClockWatch}. */
  othersTime: () => Promise<number>;
  /** See {@link SoftRestarts}. */
  isWell: () => boolean;
  clock: Clock;
  log: Logger;
}

/** An instance's housekeeping. */
export interface Housekeeping {
  chores: readonly Chore[];
  /** The sessions whose memory is another now than what others were told. */
  changedMemory(): Session[];
}

/** Makes what keeps an instance in order: soft restarts, sessions that nobody uses, and the removal of what was kept long enough. */
export function openHousekeeping(sources: HousekeepingSources): Housekeeping {
  const { clock, config, copies, manager, messaging, ownership, paths, trash, usage } = sources;
  const { housekeeping } = config;
  const log = sources.log.child({ part: 'housekeeping' });
  const memoryOf = (browser: number) => usage.memoryOf(browser);
  const memories = () =>
    manager.all().flatMap((session) => {
      const bytes = session.browserPid === undefined ? undefined : memoryOf(session.browserPid);
      return bytes === undefined ? [] : [{ session, bytes }];
    });
  const restarts = new SoftRestarts({
    rules: { age: housekeeping.restartAge, memory: housekeeping.sessionMemory },
    manager,
    sending: messaging.sending,
    copies,
    memoryOf,
    isShort: async () => {
      const left = await readHostMemory();
      return left !== null && isShort(left);
    },
    isWell: sources.isWell,
    patience: TRIES * config.life.ready,
    clock,
    log,
    onEnd: (reason, outcome, gap) => metrics.restarted(reason, outcome, gap),
  });
  const watch = new ClockWatch({ clock, others: sources.othersTime, log });
  const inactivity = new Inactivity({
    rules: housekeeping.inactive,
    kept: housekeeping.keptWorkspaces,
    manager,
    queues: messaging.queues,
    events: messaging.events,
    histories: messaging.histories,
    watch,
    clock,
    log,
    onStep: (step) => metrics.stepped(step),
  });
  const leftovers = new Leftovers({
    paths,
    claims: new FileClaims(paths),
    ownership,
    trash,
    watch,
    purgeMedia: (workspace) => messaging.purgeMedia([workspace]),
    scratch: config.scratch,
    temporary: tmpdir(),
    clock,
    log,
    onRemoved: (kind) => metrics.removed(kind),
  });
  const metrics = new HousekeepingMetrics(sources.registry, {
    memory: () => memories().map(({ bytes }) => bytes),
    limit: housekeeping.sessionMemory,
    restarts: () => restarts,
    inactive: (step) => inactivity.count(step),
  });

  const purge = async (signal: AbortSignal) => {
    if (!(await watch.isTrusted())) return;
    const attempt = async (what: string, task: () => Promise<unknown>) => {
      if (signal.aborted) return;
      await task().catch((error: unknown) =>
        log.warn({ what, reason: messageOf(error) }, 'what was kept long enough could not be removed'),
      );
    };
    for (const workspace of ownership.workspaces()) {
      await attempt(`trash of workspace ${workspace}`, () => trash.purge(workspace));
      await attempt(`media of workspace ${workspace}`, () => messaging.purgeMedia([workspace]));
    }
    await attempt('events', () => messaging.purgeEvents());
    for (const session of manager.all()) await attempt('generations', () => session.tidy());
  };
  const told = new ToldMemory();
  return {
    chores: [
      { every: RESTART_LOOK, after: RESTART_LOOK, run: (signal) => restarts.round(signal) },
      { every: HOUR, after: 0, run: purge },
      { every: HOUR, after: REST, run: (signal) => inactivity.round(signal) },
      { every: 24 * HOUR, after: REST + spread(config.instance), run: (signal) => leftovers.clear(signal) },
    ],
    changedMemory: () =>
      memories()
        .filter(({ bytes, session }) => told.isNews(session, bytes))
        .map(({ session }) => session),
  };
}

/** Milliseconds, up to an hour: instances that were started together do not list the storage together. */
function spread(instance: string): number {
  return (Number(/\d+$/.exec(instance)?.[0] ?? 0) % 60) * MINUTE;
}
