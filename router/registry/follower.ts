import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { Registry, RegistryChange } from '../../fleet/registry.ts';
import type { Table } from './table.ts';

/** How often the living instances are read: their announcements run out after ten seconds. Milliseconds. */
const ANNOUNCEMENTS_INTERVAL = 2000;

/** How often everything is read again although every change is told: belt and braces. Milliseconds. */
const SNAPSHOT_INTERVAL = 60_000;

/** Misses read everything again at most this often, so that asking for what is not there costs little. Milliseconds. */
const MISS_INTERVAL = 250;

/** A request waits this long for a reading after a miss, and then goes on with what is known. Milliseconds. */
const MISS_PATIENCE = 1000;

/** Keeps a {@link Table} fresh: a snapshot, then every change, and everything again after a gap. */
export class Follower {
  readonly #registry: Registry;
  readonly #coordination: Pick<Coordination, 'assignment'>;
  readonly #claims: Pick<ClaimStore, 'highest'>;
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #reading: Promise<void> | undefined;
  #missed: Promise<void> | undefined;
  /** Workspaces whose owner is being read: all who ask at one time share a reading. */
  readonly #readingOwners = new Map<string, Promise<void>>();
  /** When everything was read last, on the monotonic clock. */
  #lastRead = Number.NEGATIVE_INFINITY;
  #redisAnswers = false;
  #unsubscribe: (() => Promise<void>) | undefined;
  /** What was told while a snapshot was being read: it may be newer than the snapshot. */
  #toldMeanwhile: RegistryChange[] = [];

  constructor(
    registry: Registry,
    coordination: Pick<Coordination, 'assignment'>,
    claims: Pick<ClaimStore, 'highest'>,
    table: Table,
    clock: Clock,
    log: Logger,
  ) {
    this.#registry = registry;
    this.#coordination = coordination;
    this.#claims = claims;
    this.#table = table;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether Redis answered when it was last asked. */
  get redisAnswers(): boolean {
    return this.#redisAnswers;
  }

  /**
   * Subscribes, reads everything once, and goes on reading in the background.
   *
   * @throws WharfError `redis_unavailable`
   */
  async start(): Promise<void> {
    this.#unsubscribe = await this.#registry.subscribe(
      (change) => this.tell(change),
      () => void this.#afterGap(),
    );
    await this.#read();
    void this.#watch();
  }

  /** Takes in a change, from Redis or from an instance's own answer. */
  tell(change: RegistryChange): void {
    this.#table.apply(change);
    if (this.#reading) this.#toldMeanwhile.push(change);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#unsubscribe?.();
  }

  /** After a miss: reads everything again; misses that come together share a reading. Never throws: what is known stays. */
  async reread(): Promise<void> {
    this.#missed ??= this.#readSoon().finally(() => {
      this.#missed = undefined;
    });
    await this.#patiently(this.#missed);
  }

  /** After a miss of a workspace, or when an instance said that it does not own it: asks who does. Never throws. */
  async rereadOwner(workspace: string): Promise<void> {
    let reading = this.#readingOwners.get(workspace);
    if (!reading) {
      reading = this.#readOwner(workspace)
        .catch((error: unknown) => {
          this.#log.debug({ workspace_id: workspace, reason: messageOf(error) }, 'the owner cannot be read');
        })
        .finally(() => this.#readingOwners.delete(workspace));
      this.#readingOwners.set(workspace, reading);
    }
    await this.#patiently(reading);
  }

  /** Redis is the fast copy; where it knows nothing (it was emptied) or is away, the claims themselves tell. */
  async #readOwner(workspace: string): Promise<void> {
    const cached = await this.#coordination.assignment(workspace).catch(() => undefined);
    const owner = cached ?? (await this.#claims.highest(workspace))?.lastReadable;
    if (owner) this.#table.learnOwner(owner);
  }

  async #readSoon(): Promise<void> {
    const pause = this.#lastRead + MISS_INTERVAL - this.#clock.monotonic();
    if (pause > 0) await this.#pause(pause);
    await this.#readQuietly();
  }

  /** Waits for a reading, but not for a Redis that hangs. */
  async #patiently(reading: Promise<unknown>): Promise<void> {
    const patience = new AbortController();
    const done = reading.finally(() => patience.abort());
    await Promise.race([done, this.#clock.sleep(MISS_PATIENCE, patience.signal).catch(() => undefined)]);
  }

  /** Changes may be told between the end of a gap and the new subscription: hence the second reading. */
  async #afterGap(): Promise<void> {
    await this.#readQuietly();
    await this.#pause(ANNOUNCEMENTS_INTERVAL);
    await this.#readQuietly();
  }

  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#pause(ANNOUNCEMENTS_INTERVAL);
      if (this.#stopping.signal.aborted) return;
      if (this.#clock.monotonic() - this.#lastRead > SNAPSHOT_INTERVAL) await this.#readQuietly();
      else await this.#readInstances();
    }
  }

  async #readInstances(): Promise<void> {
    try {
      this.#table.loadInstances(await this.#registry.announcements());
      this.#heard(true);
    } catch (error) {
      this.#heard(false, error);
    }
  }

  async #readQuietly(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#heard(false, error);
    }
  }

  #read(): Promise<void> {
    this.#reading ??= this.#registry
      .snapshot()
      .then((snapshot) => {
        this.#table.load(snapshot);
        for (const change of this.#toldMeanwhile) this.#table.apply(change);
        this.#lastRead = this.#clock.monotonic();
        this.#heard(true);
      })
      .finally(() => {
        this.#reading = undefined;
        this.#toldMeanwhile = [];
      });
    return this.#reading;
  }

  #heard(answers: boolean, error?: unknown): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#redisAnswers && !answers) {
      this.#log.warn({ reason: messageOf(error) }, 'Redis is away: going on with what is known');
    }
    if (!this.#redisAnswers && answers) this.#log.info('the fleet is known from Redis');
    this.#redisAnswers = answers;
  }

  #pause(milliseconds: number): Promise<void> {
    return this.#clock.sleep(milliseconds, this.#stopping.signal).catch(() => undefined);
  }
}
