import { randomBytes } from 'node:crypto';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import { aborted } from '../../common/lifecycle.ts';
import type { Logger } from '../../common/logger.ts';
import { type RestartHistory, restartDelay } from '../../common/restart-delay.ts';
import type { SystemdNotifier } from '../../common/sd-notify.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { Coordination, LeaseHolder } from '../../fleet/coordination.ts';
import { isSameHost } from '../../fleet/host-identity.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { InstanceProcess, type InstanceProgram, type InstanceReady } from './instance-process.ts';
import { IpcWorker, type WorkerPatience } from './ipc-worker.ts';
import { type KeeperEnd, OwnershipKeeper } from './keeper.ts';
import { LeaseBridge } from './lease-bridge.ts';
import type { InstanceMessage } from './messages.ts';
import { endProcesses, ofIncarnation } from './process-end.ts';
import { heldBy } from './start-checks.ts';
import type { WakefulClock } from './suspension.ts';

/** Between two messages to the instance of how its ownership stands, milliseconds. */
const STANDING_INTERVAL = 2000;
/** Between two looks whether the machine was suspended. */
const SUSPENSION_INTERVAL = 500;
/** How long all processes of an incarnation may take to be seen ended; then the next one begins as if they ran on. */
const END_PATIENCE = 30_000;
/** How long an instance that has closed all its sessions may take to end by itself. */
const TERM_PATIENCE = 8000;
/** An instance that ran for so long is started again soon after its end, whatever was before. */
const RAN_WELL = 60_000;
/** Incarnations that are remembered as ended. */
const MOST_PREDECESSORS = 8;

/** What a supervisor is made of. */
export interface SupervisorParts {
  /** Who it is, but for the incarnation: each life of its instance has one of its own. */
  holder: Omit<LeaseHolder, 'incarnation'>;
  /** Earlier incarnations on this host that were seen to end, and whether all processes of this instance here were. */
  predecessors: readonly string[];
  predecessorsEnded: boolean;
  coordination: Coordination;
  claims: ClaimStore;
  clock: WakefulClock;
  times: OwnershipTimes;
  patience: WorkerPatience;
  /** How its instance is run; `port` is what it listened on before, null at first. */
  program: (port: string | null) => InstanceProgram;
  /** Whether a process runs a browser of one of some workspaces. */
  isBrowserOf: (workspaces: readonly WorkspaceId[]) => Parameters<typeof endProcesses>[0];
  notifier: SystemdNotifier;
  /** Called each time the instance is up. */
  onReady: (ready: InstanceReady) => void;
  log: Logger;
}

/** How one life of the instance ended; `stopped` with whether it said that all of it closed well. */
type LifeEnd =
  | Exclude<KeeperEnd, { kind: 'stopped' }>
  | { kind: 'stopped'; clean: boolean }
  | { kind: 'never_ready'; code: number | null };

/**
 * Keeps one instance running: gives each life of it an incarnation, holds its lease and its workspaces while it lives, sees all its
 * processes end when it ends, and starts it again.
 *
 *     starting -> running      it said that it is ready: the lease is taken, workspaces are claimed and granted
 *     starting -> (exit)       the first one ended before it was ready: whoever started this reads why
 *     running -> ending        it ended, hung and was killed, or its authority ran out; or this process was told to stop
 *     ending -> waiting        all its processes were seen to end (or not, within the patience: then the next life is told so)
 *     waiting -> starting      after 0.5 s to 30 s, by how often it ended soon; the lease is held meanwhile, for a short time
 *     ending -> (exit)         it was told to stop, or another holds the lease
 */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #bridge: LeaseBridge;
  #keeper: OwnershipKeeper | undefined;
  #predecessors: readonly string[];
  #predecessorsEnded: boolean;
  #port: string | null = null;
  #lives = 0;
  /** Workspaces whose authority ran out in lives before this one: where it ran out for all, that life is over before its instance could tell. */
  #lapses = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#bridge = new LeaseBridge(parts);
    this.#predecessors = parts.predecessors;
    this.#predecessorsEnded = parts.predecessorsEnded;
  }

  /**
   * Runs until aborted, then closes everything.
   *
   * @returns the exit code: 0 where all closed well, or the instance's own where it ended before it was ever ready
   * @throws WharfError `invalid_state` when another holds the lease
   */
  async run(signal: AbortSignal): Promise<number> {
    const { clock, log, holder } = this.#parts;
    const watch = setInterval(() => this.#watchSuspension(), SUSPENSION_INTERVAL);
    let history: RestartHistory = { failures: 0 };
    try {
      for (;;) {
        const incarnation = randomBytes(8).toString('hex');
        const startedAt = clock.monotonic();
        const end = await this.#live(incarnation, signal);
        if (end.kind === 'stopped') return end.clean ? 0 : 1;
        if (signal.aborted) return 0;
        // A lease of this very supervisor's, that a Redis which was away has brought back: it is over, and lapses.
        if (end.kind === 'lease_taken' && !isSameSupervisor(end.holder, holder))
          throw new WharfError('invalid_state', heldBy(holder.instance, end.holder));
        if (end.kind === 'never_ready' && this.#port === null) return end.code || 1;
        const next = restartDelay(history, clock.monotonic() - startedAt, RAN_WELL);
        history = next.history;
        log.warn({ incarnation, end: end.kind, in_ms: next.delay }, 'the instance is started again');
        await clock.sleep(next.delay, signal).catch(() => {});
        if (signal.aborted) return 0;
      }
    } finally {
      clearInterval(watch);
      await this.#bridge.giveUp();
    }
  }

  /** Something was assigned or ordered: see `OwnershipKeeper.poke`. */
  poke(): void {
    this.#keeper?.poke();
  }

  async #live(incarnation: string, signal: AbortSignal): Promise<LifeEnd> {
    const { clock, program } = this.#parts;
    const log = this.#parts.log.child({ incarnation });
    this.#lives += 1;
    const instance = new InstanceProcess(program(this.#port), incarnation, clock, log);
    log.info({ pid: instance.pid, life: this.#lives }, 'starts the instance');
    const stopped = aborted(signal).then((): KeeperEnd => ({ kind: 'stopped' }));
    const early = instance.ended.then(({ code }) => ({ kind: 'never_ready' as const, code }));
    const first = await Promise.race([instance.ready, early, stopped]);
    const isUp = 'url' in first;
    const end = isUp ? await this.#own(instance, first, incarnation, signal, log) : first;
    this.#keeper = undefined;
    if (end.kind === 'worker_ended') this.#bridge.begin(incarnation);
    if (end.kind === 'stopped') await instance.terminate(TERM_PATIENCE);
    instance.kill('its incarnation is over');
    const ended = await endProcesses(ofIncarnation(incarnation), END_PATIENCE);
    if (ended) {
      this.#predecessors = [...this.#predecessors, incarnation].slice(-MOST_PREDECESSORS);
    } else {
      log.error('processes of this incarnation do not end: the next one is treated as on another host');
      this.#predecessorsEnded = false;
      this.#bridge.end();
    }
    const reason = ended || instance.hasEnded ? (await instance.ended).reason : 'does not end';
    log.info({ end: end.kind, instance: reason, all_ended: ended }, 'the incarnation is over');
    if (end.kind !== 'stopped') return end;
    // One that was not up had nothing to close.
    return { kind: 'stopped', clean: ended && (!isUp || (await instance.ended).code === 0) };
  }

  /** Holds the lease and what is assigned while the instance runs. */
  async #own(
    instance: InstanceProcess,
    ready: InstanceReady,
    incarnation: string,
    signal: AbortSignal,
    log: Logger,
  ): Promise<KeeperEnd> {
    const { holder, coordination, claims, clock, times, patience, isBrowserOf, notifier, onReady } =
      this.#parts;
    const isMine = ofIncarnation(incarnation);
    const worker = new IpcWorker({
      instance,
      // Another instance of this host may be the owner now: only browsers of this incarnation are meant.
      endBrowsers: (workspaces) => {
        const isOfThem = isBrowserOf(workspaces);
        return endProcesses((process) => isOfThem(process) && isMine(process), END_PATIENCE);
      },
      clock,
      toHostClock: (time) => clock.toHostClock(time),
      authority: times.authority,
      patience,
      log,
    });
    const keeper = new OwnershipKeeper({
      holder: { ...holder, incarnation },
      predecessors: this.#predecessors,
      predecessorsEnded: this.#predecessorsEnded,
      coordination,
      claims,
      worker,
      clock,
      times,
      log,
    });
    instance.onMessage((message) => this.#heard(message, instance, worker, keeper));
    void instance.ended.then(({ reason }) => {
      log[signal.aborted ? 'info' : 'warn']({ pid: instance.pid, reason }, "the instance's process ended");
      worker.instanceEnded();
      keeper.workerEnded();
    });
    this.#keeper = keeper;
    this.#port = new URL(ready.url).port;
    log.info({ url: ready.url, pid: ready.pid }, 'the instance is up');
    onReady(ready);
    const tell = () => this.#tellStanding(instance, keeper);
    const standing = setInterval(tell, STANDING_INTERVAL);
    const stop = () => notifier.stopping();
    signal.addEventListener('abort', stop, { once: true });
    notifier.ready(statusText(keeper.status()));
    try {
      this.#bridge.end();
      return await keeper.run(signal);
    } finally {
      clearInterval(standing);
      this.#lapses += keeper.status().lapses;
      signal.removeEventListener('abort', stop);
      if (signal.aborted) await this.#release(incarnation);
    }
  }

  #heard(
    message: InstanceMessage,
    instance: InstanceProcess,
    worker: IpcWorker,
    keeper: OwnershipKeeper,
  ): void {
    worker.heard(message);
    if (message.kind === 'order') keeper.order(message.order);
    if (message.kind !== 'claim') return;
    const { id, workspace } = message;
    keeper.claimFirst(workspace).then(
      (epoch) => instance.send({ kind: 'claimed', id, epoch }),
      (error: unknown) => {
        const known = isWharfError(error) ? error : undefined;
        const owner = known?.extra['owner'];
        instance.send({
          kind: 'refused',
          id,
          code: known?.code ?? 'internal',
          detail: messageOf(error),
          ...(typeof owner === 'string' ? { owner } : {}),
        });
      },
    );
  }

  #tellStanding(instance: InstanceProcess, keeper: OwnershipKeeper): void {
    const status = keeper.status();
    const { owned, ...standing } = status;
    instance.send({
      kind: 'standing',
      ...standing,
      lapses: this.#lapses + standing.lapses,
      restarts: this.#lives - 1,
    });
    this.#parts.notifier.status(statusText(status));
  }

  /** The keeper asks for it too, and may not have had the time. */
  async #release(incarnation: string): Promise<void> {
    const { coordination, holder, times } = this.#parts;
    await coordination.release(holder.instance, incarnation, times.restart).catch(() => {});
  }

  /**
   * Suspended, this process has proved nothing for as long, though its timers saw no time pass. The clock has gone on: what ran out is ended
   * by the keeper at its next look, and what has not gets a new proof now, before the old one runs out.
   */
  #watchSuspension(): void {
    const { clock, log } = this.#parts;
    const before = clock.suspended;
    clock.monotonic();
    if (clock.suspended === before) return;
    log.warn(
      { for_ms: Math.round(clock.suspended - before) },
      'the machine was suspended: proves anew what is owned',
    );
    this.#keeper?.poke();
  }
}

function statusText({ owned, redis_ok, storage_ok }: ReturnType<OwnershipKeeper['status']>): string {
  const lacks = [redis_ok ? [] : ['Redis is away'], storage_ok ? [] : ['the storage does not answer']].flat();
  return [`${owned} workspaces`, ...lacks].join(', ');
}

/** Whether a lease was taken by this process, in whichever of its incarnations. */
function isSameSupervisor(
  one: Omit<LeaseHolder, 'incarnation'>,
  other: Omit<LeaseHolder, 'incarnation'>,
): boolean {
  return isSameHost(one.host, other.host) && one.pid === other.pid && one.pid_start === other.pid_start;
}
