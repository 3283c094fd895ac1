import pMap from 'p-map';
import { type Clock, withinTime } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore, HighestClaim } from '../../fleet/claims.ts';
import type { Coordination, LeaseHolder, Order, RedisIdentity, Renewal } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { type Adopter, claimOf, type Occasion, planAdoption } from './adoption.ts';
import { Authority, type Owned, PROOF_POLICY, type ProofPolicy } from './authority.ts';
import { HandOvers } from './hand-overs.ts';
import type { Worker } from './worker.ts';

/** Looks at the storage, and adoptions, under way at one time. */
const CONCURRENCY = 8;

/** Authority is looked at so often, milliseconds; the worker watches it too. */
const EXPIRY_INTERVAL = 250;

/** How an incarnation ended. Whoever runs it sees all its processes end before the next one begins. */
export type KeeperEnd =
  /** It was asked to; what it owned is released. */
  | { kind: 'stopped' }
  /** Another incarnation holds the lease: two were given one instance id, or another host went on as this instance. */
  | { kind: 'lease_taken'; holder: string }
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
  #me: Adopter;
  readonly #authority: Authority;
  readonly #handOvers: HandOvers;
  readonly #ending = new AbortController();
  /** Workspaces being adopted, or whose browsers are being ended: each thing after the one before. */
  readonly #busy = new Map<WorkspaceId, Promise<unknown>>();
  #end: KeeperEnd | undefined;
  /** The Redis the lease was taken in; null while Redis is away, or has changed and was not compared with the storage yet. */
  #identity: RedisIdentity | null = null;
  #sweeping: Promise<boolean> | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #renewedAt: number | null = null;
  #wake = new AbortController();
  #stopping = false;
  #storageOk = true;
  readonly #counts = { claims: 0, lapses: 0, revocations: 0, hand_overs: 0 };

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const { instance, incarnation, host } = parts.holder;
    this.#me = { instance, incarnation, host, predecessorsEnded: parts.predecessorsEnded };
    this.#authority = new Authority(parts.times.authority, parts.policy ?? PROOF_POLICY);
    this.#handOvers = new HandOvers({
      ...parts,
      authority: this.#authority,
      readopt: (workspace) => void this.#adopt(workspace, { kind: 'reclaim' }),
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
      await this.#register([...this.#parts.predecessors]);
      const loops = [this.#renewLoop(), this.#sweepLoop(), this.#expireLoop()];
      if (!this.#end) await this.#reclaim();
      await Promise.all(loops);
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
  async claimFirst(workspace: WorkspaceId): Promise<number> {
    await this.#busy.get(workspace);
    const owned = this.#authority.get(workspace);
    if (owned) return owned.epoch;
    await this.#inTurn(workspace, () => this.#adoptNow(workspace, { kind: 'first' }));
    const claimed = this.#authority.get(workspace);
    if (claimed) return claimed.epoch;
    throw new WharfError('not_owner', `${this.#me.instance} does not own workspace ${workspace}.`);
  }

  /** How it stands, for health and metrics. Times in milliseconds. */
  status() {
    const now = this.#parts.clock.monotonic();
    return {
      incarnation: this.#me.incarnation,
      owned: this.#authority.size,
      lease_age: this.#renewedAt === null ? null : now - this.#renewedAt,
      redis_ok: this.#identity !== null,
      storage_ok: this.#storageOk,
      authority_left: Number.isFinite(this.#authority.next()) ? this.#authority.next() - now : null,
      ...this.#counts,
    };
  }

  async #register(replaces: string[]): Promise<boolean> {
    const { coordination, holder, times, log } = this.#parts;
    try {
      const acquired = await this.#ask(coordination.acquire(holder, times.lease, replaces));
      if (!acquired.acquired) {
        this.#finish({ kind: 'lease_taken', holder: describe(acquired.holder) });
        return false;
      }
      if (this.#identity === null) log.info({ era: acquired.identity.era }, 'holds its lease');
      this.#identity = acquired.identity;
      this.#renewedAt = this.#parts.clock.monotonic();
      return true;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'Redis is away: the storage proves what is owned');
      return false;
    }
  }

  /** Claims anew what this instance owned before, but for what is being taken over. Tried until it works: a workspace must not be left behind. */
  async #reclaim(): Promise<void> {
    const { claims, coordination, clock, log, times } = this.#parts;
    for (;;) {
      try {
        const workspaces = await this.#look(claims.workspaces());
        const assigned = await this.#ask(coordination.assignments()).catch(() => []);
        const elsewhere = new Map(
          assigned.filter(({ instance }) => instance !== this.#me.instance).map((a) => [a.workspace_id, a]),
        );
        await pMap(
          workspaces,
          async (workspace) => {
            if (this.#end) return;
            const highest = await this.#look(claims.highest(workspace));
            if (highest?.lastReadable?.instance !== this.#me.instance) return;
            if ((elsewhere.get(workspace)?.epoch ?? 0) > highest.epoch) return;
            await this.#adopt(workspace, { kind: 'reclaim' });
          },
          { concurrency: CONCURRENCY },
        );
        return;
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'what this instance owned cannot be read; tried again');
        this.#storageOk = false;
        await clock.sleep(times.renew, this.#ending.signal).catch(() => {});
        if (this.#end) return;
      }
    }
  }

  async #renewLoop(): Promise<void> {
    const { clock, times } = this.#parts;
    while (!this.#ending.signal.aborted) {
      const signal = AbortSignal.any([this.#wake.signal, this.#ending.signal]);
      await clock.sleep(times.renew, signal).catch(() => {});
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
      renewal = await this.#ask(coordination.renew(holder.instance, holder.incarnation, times.lease));
    } catch (error) {
      if (this.#identity !== null)
        log.warn({ reason: messageOf(error) }, 'Redis is away: the storage proves what is owned');
      this.#identity = null;
      void this.#sweep();
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
    this.#followOrders(renewal);
  }

  /** What is assigned and not owned is adopted; what is ordered is done. Told at every renewal, so that nothing is lost with a message. */
  #followOrders({ assigned, orders }: Renewal): void {
    for (const [workspace, { epoch }] of assigned) {
      const owned = this.#authority.get(workspace);
      if (!owned && !this.#busy.has(workspace)) void this.#adopt(workspace, { kind: 'assigned', epoch });
    }
    this.#handOvers.follow(orders);
  }

  /**
   * Redis is there again, or is another one, or the lease lapsed in it while the storage went on proving. It proves nothing before a look at
   * the storage that began after its answer has shown that everything owned still is; then the lease is taken anew and all is told.
   */
  async #returnToRedis(renewal: Renewal): Promise<void> {
    const { coordination, holder, log } = this.#parts;
    if (renewal.heldBy !== null && renewal.heldBy !== holder.incarnation) {
      this.#finish({ kind: 'lease_taken', holder: renewal.heldBy });
      return;
    }
    const hadBefore = this.#identity !== null;
    this.#identity = null;
    await this.#sweeping;
    if (this.#authority.size > 0 && !(await this.#sweep())) return;
    if (!(await this.#register([holder.incarnation]))) return;
    log.info({ lapsed: hadBefore && !renewal.held }, 'took its lease anew, after a look at the storage');
    for (const { workspace, epoch } of this.#authority.all()) {
      await this.#ask(coordination.recordAssignment(this.#assignment(workspace, epoch))).catch(() => {});
    }
  }

  /** Redis did not name this incarnation as the owner: who is, and does the storage say so too? */
  async #contradicted(owned: Owned): Promise<void> {
    const { coordination, claims, log } = this.#parts;
    try {
      const named = await this.#ask(coordination.assignment(owned.workspace));
      if (!this.#authority.holds(owned)) return;
      if (named && named.epoch > owned.epoch) {
        this.#revoke(owned, `${named.instance} was assigned it at epoch ${named.epoch}`);
        return;
      }
      const highest = await this.#look(claims.highest(owned.workspace));
      if (!this.#authority.holds(owned) || this.#judge(owned, highest) !== 'mine') return;
      await this.#ask(coordination.recordAssignment(this.#assignment(owned.workspace, owned.epoch)));
    } catch (error) {
      log.debug({ workspace: owned.workspace, reason: messageOf(error) }, 'who owns it cannot be read');
    }
  }

  async #sweepLoop(): Promise<void> {
    const { clock, times } = this.#parts;
    while (!this.#ending.signal.aborted) {
      const interval = this.#identity === null ? times.renew : times.sweep;
      await clock.sleep(Math.min(interval, times.renew), this.#ending.signal).catch(() => {});
      if (this.#ending.signal.aborted) return;
      if (clock.monotonic() - this.#sweptAt >= interval) await this.#sweep();
    }
  }

  /** Looks at the claims of everything owned. True when all are still this incarnation's. One sweep at a time. */
  #sweep(): Promise<boolean> {
    this.#sweeping ??= this.#sweepNow().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweepNow(): Promise<boolean> {
    const { claims, clock, log } = this.#parts;
    this.#sweptAt = clock.monotonic();
    const seen = await pMap(
      this.#authority.all(),
      async (owned) => {
        const asked = clock.monotonic();
        try {
          const highest = await this.#look(claims.highest(owned.workspace));
          const verdict = this.#judge(owned, highest);
          if (verdict === 'mine') this.#prove(owned, asked, clock.monotonic());
          return verdict === 'mine' || verdict === 'revoked';
        } catch (error) {
          log.debug({ workspace: owned.workspace, reason: messageOf(error) }, 'its claims cannot be read');
          return false;
        }
      },
      { concurrency: CONCURRENCY },
    );
    const ok = seen.every(Boolean);
    if (ok !== this.#storageOk)
      log.warn({ ok }, ok ? 'the storage answers again' : 'the storage proves nothing');
    this.#storageOk = ok;
    return ok;
  }

  /** Compares what is owned with what the storage says. A higher claim ends authority at once. */
  #judge(owned: Owned, highest: HighestClaim | undefined): 'mine' | 'revoked' | 'unproved' {
    if (!this.#authority.holds(owned)) return 'revoked';
    const epoch = highest?.epoch ?? 0;
    if (epoch > owned.epoch) {
      this.#revoke(owned, `${highest?.claim?.instance ?? 'somebody'} claimed epoch ${epoch}`);
      return 'revoked';
    }
    return epoch === owned.epoch && highest?.claim?.incarnation === this.#me.incarnation
      ? 'mine'
      : 'unproved';
  }

  #prove(owned: Owned, asked: number, answered: number): void {
    if (!this.#authority.prove(owned, asked, answered)) return;
    this.#parts.worker.extend(owned.workspace, owned.epoch, this.#authority.until(owned));
  }

  async #expireLoop(): Promise<void> {
    const { clock, policy } = this.#parts;
    while (!this.#ending.signal.aborted) {
      await clock.sleep(EXPIRY_INTERVAL, this.#ending.signal).catch(() => {});
      if (this.#ending.signal.aborted || policy?.outlivesLapse) continue;
      const lapsed = this.#authority.lapsed(clock.monotonic());
      if (lapsed.length === 0) continue;
      this.#parts.log.error({ workspaces: lapsed.length }, 'authority ran out: browsers are ended');
      this.#counts.lapses += lapsed.length;
      for (const owned of lapsed) this.#drop(owned);
      if (this.#authority.size === 0) this.#finish({ kind: 'authority_lost' });
    }
  }

  #revoke(owned: Owned, why: string): void {
    this.#counts.revocations += 1;
    this.#parts.log.warn(
      { workspace: owned.workspace, epoch: owned.epoch, why },
      'no longer owns the workspace',
    );
    this.#drop(owned);
  }

  /** Authority is over: browsers are killed before anything else is done with the workspace. */
  #drop(owned: Owned): void {
    this.#authority.remove(owned);
    const { workspace, epoch } = owned;
    void this.#inTurn(workspace, async () => {
      const ended = await this.#parts.worker.kill(workspace, epoch);
      if (ended) return;
      // Something may still write to its profiles: whatever is claimed from here on is treated as another host's.
      this.#me = { ...this.#me, predecessorsEnded: false };
      this.#parts.log.error({ workspace }, 'browsers of a workspace that is no longer owned do not end');
    });
  }

  async #adopt(workspace: WorkspaceId, occasion: Occasion): Promise<void> {
    await this.#inTurn(workspace, () => this.#adoptNow(workspace, occasion)).catch((error: unknown) =>
      this.#parts.log.warn(
        { workspace, reason: messageOf(error) },
        'the workspace could not be claimed; tried again',
      ),
    );
  }

  async #adoptNow(workspace: WorkspaceId, occasion: Occasion): Promise<void> {
    const { claims, coordination, clock, worker, times, log } = this.#parts;
    if (this.#over || this.#authority.get(workspace)) return;
    const asked = clock.monotonic();
    const plan = planAdoption(this.#me, await this.#look(claims.highest(workspace)), occasion);
    if (plan.kind === 'foreign') {
      const { instance, incarnation, epoch } = plan.claim;
      const assignment = { workspace_id: workspace, epoch, instance, incarnation, claimed: true, since: 0 };
      await this.#ask(coordination.recordAssignment(assignment)).catch(() => {});
      throw new WharfError(
        'not_owner',
        `${this.#me.instance} does not own workspace ${workspace}; ${instance} does.`,
        {
          extra: { owner: instance },
        },
      );
    }
    const won = await this.#look(claims.create(claimOf(this.#me, workspace, plan, clock.now())));
    if (!won || this.#over) return;
    const returned = clock.monotonic();
    const owned = this.#authority.add(workspace, plan.epoch, asked);
    this.#counts.claims += 1;
    const recorded = await this.#ask(
      coordination.recordAssignment(this.#assignment(workspace, plan.epoch)),
    ).catch(() => true);
    if (!this.#authority.holds(owned) || this.#over) return;
    if (!recorded) {
      this.#authority.remove(owned);
      await this.#look(claims.release(workspace, plan.epoch)).catch(() => {});
      return;
    }
    const { epoch, generation, released } = plan;
    log.info(
      { workspace, epoch, occasion: occasion.kind, wait_ms: plan.wait ? times.wait : 0 },
      'owns the workspace',
    );
    const startAt = plan.wait ? returned + times.wait : returned;
    worker.run({ workspace, epoch, generation, released, startAt, until: this.#authority.until(owned) });
  }

  async #stop(): Promise<void> {
    if (this.#over) return;
    this.#stopping = true;
    const { worker, claims, coordination, holder, times, log } = this.#parts;
    const ended = new Set(await worker.closeAll());
    const released = this.#authority.all().filter(({ workspace }) => ended.has(workspace));
    await pMap(
      released,
      ({ workspace, epoch }) =>
        this.#look(claims.release(workspace, epoch)).catch((error: unknown) =>
          log.warn({ workspace, reason: messageOf(error) }, 'the release could not be noted'),
        ),
      { concurrency: CONCURRENCY },
    );
    this.#finish({ kind: 'stopped' });
    await this.#ask(coordination.release(holder.instance, holder.incarnation, times.restart)).catch(() => {});
  }

  /** Nothing more is begun. */
  get #over(): boolean {
    return this.#stopping || this.#end !== undefined;
  }

  #finish(end: KeeperEnd): void {
    this.#end ??= end;
    this.#ending.abort();
  }

  #assignment(workspace: WorkspaceId, epoch: number) {
    const { instance, incarnation } = this.#me;
    return { workspace_id: workspace, epoch, instance, incarnation, claimed: true, since: 0 };
  }

  #ask<T>(question: Promise<T>): Promise<T> {
    const { clock, times } = this.#parts;
    return withinTime(
      clock,
      times.redis,
      question,
      () => new WharfError('redis_unavailable', 'Redis did not answer in time.'),
    );
  }

  #look<T>(look: Promise<T>): Promise<T> {
    const { clock, times } = this.#parts;
    return withinTime(
      clock,
      times.look,
      look,
      () => new WharfError('storage_unavailable', 'The shared storage did not answer in time.'),
    );
  }

  #inTurn<T>(workspace: WorkspaceId, task: () => Promise<T>): Promise<T> {
    const mine = (this.#busy.get(workspace) ?? Promise.resolve()).then(task, task);
    const done = mine
      .catch(() => {})
      .finally(() => {
        if (this.#busy.get(workspace) === done) this.#busy.delete(workspace);
      });
    this.#busy.set(workspace, done);
    return mine;
  }
}

function sameIdentity(a: RedisIdentity, b: RedisIdentity): boolean {
  return a.era === b.era && a.server === b.server;
}

function describe(holder: LeaseHolder): string {
  return `${holder.instance} on host ${holder.host.name} (supervisor ${holder.pid}, since ${holder.started_at})`;
}
