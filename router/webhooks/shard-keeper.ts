import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ShardLeases } from '../../fleet/events/deliveries.ts';
import { planShards } from './shards.ts';

/** Milliseconds. A lease lasts `ttl` from when Redis wrote it; its holder counts on `proof` from when it asked, which is less. */
const TIMES = { ttl: 8000, renewal: 2000, proof: 6000 } as const;

/** Who is told of shards. */
export interface ShardUser {
  /** A shard is ours from now on. */
  taken(shard: number): void;
  /** A shard is ours again, or still; meanwhile another may have had it. */
  regained(shard: number): void;
  /** Another router has it. */
  lost(shard: number): void;
  /** It is to go to another router: resolves when nothing of it is under way any more. */
  release(shard: number): Promise<void>;
}

/**
 * Keeps this router's share of the shards: those that prefer it among the routers that live. A router that dies is missed after eight seconds;
 * one that comes gets its share when those who have it have finished what is under way.
 *
 *     free --taken--> held --the proof is old--> unproved --held again--> held
 *                     held --another is preferred--> leaving --nothing under way--> free
 *                     held, unproved --another has it--> free
 *
 * While it is unproved nothing begins, but all is kept: mostly it is Redis that was away for a moment.
 */
export class ShardKeeper {
  readonly #me: string;
  readonly #leases: ShardLeases;
  readonly #user: ShardUser;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #held = new Set<number>();
  readonly #leaving = new Set<number>();
  readonly #left = new Set<number>();
  readonly #stopping = new AbortController();
  /** When the last proof was asked for, monotonic. */
  #provedAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();
  #trouble = false;

  constructor(me: string, leases: ShardLeases, user: ShardUser, clock: Clock, log: Logger) {
    this.#me = me;
    this.#leases = leases;
    this.#user = user;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#running = this.#run();
  }

  get count(): number {
    return this.#held.size;
  }

  /** Whether a delivery of this shard may begin at this moment. */
  mayWork(shard: number): boolean {
    return this.#held.has(shard) && !this.#leaving.has(shard) && this.#isProved();
  }

  /** Gives everything up; the user has stopped before. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const shards = [...this.#held];
    this.#held.clear();
    await this.#leases.giveUp(this.#me, shards).catch(() => undefined);
    await this.#leases.leave(this.#me).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#renew();
        if (this.#trouble) this.#log.info('webhooks are delivered again');
        this.#trouble = false;
      } catch (error) {
        if (!this.#trouble)
          this.#log.warn(
            { reason: messageOf(error) },
            'the leases for delivering webhooks cannot be renewed',
          );
        this.#trouble = true;
      }
      await this.#clock.sleep(TIMES.renewal, signal).catch(() => undefined);
    }
  }

  async #renew(): Promise<void> {
    const { ttl } = TIMES;
    const begun = this.#clock.monotonic();
    const wasProved = this.#isProved();
    const { routers, holders } = await this.#leases.meet(this.#me, ttl);
    const plan = planShards(this.#me, routers, holders, this.#held);
    const done = [...this.#left];
    await this.#leases.giveUp(this.#me, done);
    for (const shard of done) this.#forget(shard);
    // One that is leaving is kept until nothing of it is under way.
    const leaving = plan.giveUp.filter((shard) => !done.includes(shard));
    const wanted = [...plan.hold.filter((shard) => !done.includes(shard)), ...leaving];
    const held = new Set(await this.#leases.hold(this.#me, ttl, wanted));
    this.#provedAt = begun;
    for (const shard of [...this.#held]) {
      if (held.has(shard)) continue;
      this.#forget(shard);
      this.#user.lost(shard);
    }
    for (const shard of held) {
      if (this.#held.has(shard)) {
        if (!wasProved) this.#user.regained(shard);
      } else {
        this.#held.add(shard);
        this.#user.taken(shard);
      }
    }
    for (const shard of leaving) if (held.has(shard) && !this.#leaving.has(shard)) this.#leave(shard);
  }

  #leave(shard: number): void {
    this.#leaving.add(shard);
    void this.#user.release(shard).then(() => {
      if (this.#leaving.has(shard)) this.#left.add(shard);
    });
  }

  #forget(shard: number): void {
    this.#held.delete(shard);
    this.#leaving.delete(shard);
    this.#left.delete(shard);
  }

  #isProved(): boolean {
    return this.#clock.monotonic() - this.#provedAt < TIMES.proof;
  }
}
