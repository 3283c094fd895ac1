import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { Coordination, LeaseHolder, Order, RedisIdentity, Renewal } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import { Authority, type Owned, PROOF_POLICY, type ProofPolicy } from './authority.ts';
import { Claimer } from './claimer.ts';
import { HandOvers } from './hand-overs.ts';
import { Sweeper } from './sweeper.ts';
import type { Worker } from './worker.ts';

/** Releases noted at one time when an instance stops. */
const CONCURRENCY = 8;

/** Between two tries to claim what cannot be claimed, at most; milliseconds. */
const LONGEST_PAUSE = 60_000;

/** How an incarnation ended. Whoever runs it sees all its processes end before the next one begins. */
export type KeeperEnd =
  /** It was asked to; what it owned is released. */
  | { kind: 'stopped' }
  /** Another incarnation holds the lease: two were given one instance id, or another host went on as this instance. */
  | { kind: 'lease_taken'; holder: LeaseHolder }
  /** Neither Redis nor the storage gave a proof in time. */
  | { kind: 'authority_lost' }
  /** The instance's process ended. */
  | { kind: 'worker_ended' };

/** What a keeper is made of. All that it asks of the world is here, so that the same code runs in simulation. */
export interface KeeperParts {
  /** Who it is; its incarnation is this keeper's. */
  holder: LeaseHolder;
  /** Earlier incarnations of this instance on this host that were seen to end, newest last. */
  predecessors: readonly string[];
  /** Whether all earlier processes of this instance on this host were seen to end. */
  predecessorsEnded: boolean;
  coordination: Coordination;
  claims: ClaimStore;
  worker: Worker;
  clock: Clock;
  times: OwnershipTimes;
  policy?: ProofPolicy;
  log: Logger;
}

/**
 * One incarnation's ownership: holds the instance's lease, claims what is assigned to it, keeps proving that each workspace is still its own,
 * and has the worker end what it cannot prove. See `docs/decisions/0007-ownership.md` for why this is safe.
 */
export class OwnershipKeeper {
  readonly #parts: KeeperParts;
  readonly #authority: Authority;
  readonly #patience: Patience;
  readonly #claimer: Claimer;
  readonly #sweeper: Sweeper;
  readonly #handOvers: HandOvers;
  readonly #ending = new AbortController();
  #end: KeeperEnd | undefined;
  #stopping = false;
  #reclaiming: Promise<void> | undefined;
  /** The Redis the lease was taken in; null while Redis is away, or has changed and was not compared with the storage yet. */
  #identity: RedisIdentity | null = null;
  #renewedAt: number | null = null;
  #wake = new AbortController();
  readonly #counts = { lapses: 0, revocations: 0, hand_overs: 0 };

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const { holder, times, clock, predecessorsEnded } = parts;
    const { instance, incarnation, host } = holder;
    const authority = new Authority(times.authority, parts.policy ?? PROOF_POLICY);
    const patience = new Patience(clock, times);
    this.#authority = authority;
    this.#patience = patience;
    this.#claimer = new Claimer({
      ...parts,
      me: { instance, incarnation, host, predecessorsEnded },
      authority,
      patience,
      over: () => this.#over,
    });
    this.#sweeper = new Sweeper({
      ...parts,
      incarnation,
      authority,
      patience,
      proved: (owned, asked, answered) => this.#prove(owned, asked, answered),
      revoked: (owned, why) => this.#revoke(owned, why),
    });
    this.#handOvers = new HandOvers({
      ...parts,
      authority,
      patience,
      readopt: (workspace) => void this.#claimer.adopt(workspace, { kind: 'reclaim' }),
      drop: (owned) => this.#drop(owned),
      handedOver: () => {
        this.#counts.hand_overs += 1;
      },
    });
  }

  /** Holds the lease until aborted (then everything is closed and released) or until the incarnation is over. */
  async run(signal: AbortSignal): Promise<KeeperEnd> {
    const stop = () => void this.#stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await this.#register(this.#parts.predecessors);
      await Promise.all([this.#renewLoop(), this.#sweepLoop(), this.#expireLoop(), this.#reclaim()]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return this.#end ?? { kind: 'stopped' };
  }

  /** The worker's process ended: the incarnation is over. */
  workerEnded(): void {
    this.#finish({ kind: 'worker_ended' });
  }

  /** Renews as soon as it can: something may have been assigned or ordered. */
  poke(): void {
    this.#wake.abort();
  }

  /** An order that came past Redis. */
  order(order: Order): void {
    this.#handOvers.begin(order);
  }

  /**
   * Owns a workspace that nobody owned, or owns it already: a first session is to be made.
   *
   * @throws WharfError `not_owner`, with the instance that owns it, when it is another's; `storage_unavailable`
   */
  claimFirst(workspace: WorkspaceId): Promise<number> {
    return this.#claimer.claimFirst(workspace);
  }

  /** How it stands, for health and metrics. Times in milliseconds. */
  status() {
    const now = this.#parts.clock.monotonic();
    return {
      owned: this.#authority.size,
      redis_ok: this.#identity !== null,
      storage_ok: this.#sweeper.ok,
      lease_age: this.#renewedAt === null ? null : now - this.#renewedAt,
      claims: this.#claimer.claimed,
      ...this.#counts,
    };
  }

  /** Nothing more is begun. */
  get #over(): boolean {
    return this.#stopping || this.#end !== undefined;
  }

  async #register(replaces: readonly string[]): Promise<boolean> {
    const { coordination, holder, clock, times, log } = this.#parts;
    const asked = clock.monotonic();
    try {
      const acquired = await this.#patience.redis(coordination.acquire(holder, times.lease, replaces));
      if (!acquired.acquired) {
        this.#finish({ kind: 'lease_taken', holder: acquired.holder });
        return false;
      }
      log.info({ era: acquired.identity.era }, 'holds its lease');
      this.#identity = acquired.identity;
      this.#renewedAt = asked;
      return true;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'Redis is away: the storage proves what is owned');
      return false;
    }
  }

  /** Claims anew what this instance owned before. Tried until it works: a workspace must not be left behind. */
  #reclaim(): Promise<void> {
    this.#reclaiming ??= this.#tryToReclaim().finally(() => {
      this.#reclaiming = undefined;
    });
    return this.#reclaiming;
  }

  async #tryToReclaim(): Promise<void> {
    const { clock, times, log } = this.#parts;
    for (let pause = times.renew; !this.#over; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await this.#claimer.reclaim();
        return;
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'what this instance owned cannot be claimed; tried again');
        await clock.sleep(pause, this.#ending.signal).catch(() => {});
      }
    }
  }

  async #renewLoop(): Promise<void> {
    const { clock, times } = this.#parts;
    while (!this.#ending.signal.aborted) {
      await clock.sleep(times.renew, this.#wake.signal).catch(() => {});
      // A poke that comes while it renews counts for the time after.
      this.#wake = new AbortController();
      if (!this.#ending.signal.aborted) await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    const { coordination, clock, holder, times, log } = this.#parts;
    const asked = clock.monotonic();
    let renewal: Renewal;
    try {
      renewal = await this.#patience.redis(
        coordination.renew(holder.instance, holder.incarnation, times.lease),
      );
    } catch (error) {
      if (this.#identity !== null)
        log.warn({ reason: messageOf(error) }, 'Redis is away: the storage proves what is owned');
      this.#identity = null;
      void this.#sweeper.sweep();
      // What waits for Redis to be handed over runs meanwhile. Where the answer alone was lost, the storage lets one of the two claim it.
      if (asked - (this.#renewedAt ?? Number.NEGATIVE_INFINITY) > times.lease) this.#handOvers.follow([]);
      return;
    }
    const answered = clock.monotonic();
    if (this.#identity === null || !sameIdentity(renewal.identity, this.#identity) || !renewal.held) {
      await this.#returnToRedis(renewal);
      return;
    }
    this.#renewedAt = asked;
    for (const owned of this.#authority.all()) {
      const assigned = renewal.assigned.get(owned.workspace);
      if (assigned?.epoch === owned.epoch) this.#prove(owned, asked, answered);
      else void this.#contradicted(owned);
    }
    // Told at every renewal, so that nothing is lost with a message.
    for (const [workspace, { epoch }] of renewal.assigned) {
      if (!this.#authority.get(workspace) && !this.#claimer.isBusy(workspace))
        void this.#claimer.adopt(workspace, { kind: 'assigned', epoch });
    }
    this.#handOvers.follow(renewal.orders);
  }

  /**
   * Redis is there again, or is another one, or the lease lapsed in it while the storage went on proving. It proves nothing before a look at
   * the storage that began after its answer has shown that everything owned still is; then the lease is taken anew and all is told.
   */
  async #returnToRedis(renewal: Renewal): Promise<void> {
    const { coordination, holder, log } = this.#parts;
    this.#identity = null;
    if (!(await this.#sweeper.sweepAnew())) return;
    if (!(await this.#register([holder.incarnation]))) return;
    log.info({ lease_lapsed: !renewal.held }, 'Redis is there again; it is told what is owned');
    for (const { workspace, epoch } of this.#authority.all()) {
      const assignment = this.#claimer.assignment(workspace, epoch);
      await this.#patience.redis(coordination.recordAssignment(assignment)).catch(() => {});
    }
  }

  /** Redis did not name this incarnation as the owner: who is, and does the storage say so too? */
  async #contradicted(owned: Owned): Promise<void> {
    const { coordination, claims, log } = this.#parts;
    const { workspace, epoch } = owned;
    try {
      const named = await this.#patience.redis(coordination.assignment(workspace));
      if (!this.#authority.holds(owned)) return;
      if (named && named.epoch > epoch) {
        this.#revoke(owned, `${named.instance} was assigned it at epoch ${named.epoch}`);
        return;
      }
      const highest = await this.#patience.storage(claims.highest(workspace));
      if (this.#sweeper.judge(owned, highest) !== 'mine') return;
      await this.#patience.redis(coordination.recordAssignment(this.#claimer.assignment(workspace, epoch)));
    } catch (error) {
      log.debug({ workspace, reason: messageOf(error) }, 'who owns it cannot be read');
    }
  }

  async #sweepLoop(): Promise<void> {
    const { clock, times } = this.#parts;
    while (!this.#ending.signal.aborted) {
      await clock.sleep(times.renew, this.#ending.signal).catch(() => {});
      if (this.#ending.signal.aborted) return;
      const interval = this.#identity === null ? times.renew : times.sweep;
      if (clock.monotonic() - this.#sweeper.sweptAt >= interval) await this.#sweeper.sweep();
    }
  }

  #prove(owned: Owned, asked: number, answered: number): void {
    if (!this.#authority.prove(owned, asked, answered)) return;
    this.#parts.worker.extend(owned.workspace, owned.epoch, this.#authority.until(owned));
  }

  async #expireLoop(): Promise<void> {
    const { clock, times, policy = PROOF_POLICY, log } = this.#parts;
    if (policy.outlivesLapse) return;
    while (!this.#ending.signal.aborted) {
      // What is claimed meanwhile runs out later than what there is, and no sooner than a renewal from now.
      const next = Math.max(0, this.#authority.next() - clock.monotonic());
      await clock.sleep(Math.min(next, times.renew), this.#ending.signal).catch(() => {});
      if (this.#ending.signal.aborted) return;
      const lapsed = this.#authority.lapsed(clock.monotonic());
      if (lapsed.length === 0) continue;
      log.error({ workspaces: lapsed.length }, 'authority ran out: browsers are ended');
      this.#counts.lapses += lapsed.length;
      for (const owned of lapsed) this.#drop(owned);
      if (this.#authority.size === 0) this.#finish({ kind: 'authority_lost' });
      // Where Redis is away, nobody says at the next renewal that they are still this instance's.
      else void this.#reclaim();
    }
  }

  #revoke(owned: Owned, why: string): void {
    const { workspace, epoch } = owned;
    this.#counts.revocations += 1;
    this.#parts.log.warn({ workspace, epoch, why }, 'no longer owns the workspace');
    this.#drop(owned);
  }

  #drop(owned: Owned): void {
    this.#authority.remove(owned);
    this.#claimer.end(owned.workspace, owned.epoch);
  }

  async #stop(): Promise<void> {
    if (this.#over) return;
    this.#stopping = true;
    const { worker, claims, coordination, clock, holder, times, log } = this.#parts;
    const ended = new Set(await worker.closeAll());
    const now = clock.monotonic();
    await pMap(
      this.#authority.all().filter(({ workspace, clearAt }) => ended.has(workspace) && now >= clearAt),
      ({ workspace, epoch }) =>
        this.#patience
          .storage(claims.release(workspace, epoch))
          .catch((error: unknown) =>
            log.warn({ workspace, reason: messageOf(error) }, 'the release could not be noted'),
          ),
      { concurrency: CONCURRENCY },
    );
    this.#finish({ kind: 'stopped' });
    await this.#patience
      .redis(coordination.release(holder.instance, holder.incarnation, times.restart))
      .catch(() => {});
  }

  #finish(end: KeeperEnd): void {
    this.#end ??= end;
    this.#ending.abort();
    this.#wake.abort();
  }
}

function sameIdentity(a: RedisIdentity, b: RedisIdentity): boolean {
  return a.era === b.era && a.server === b.server;
}
