import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { BackupLease, BackupServiceNote } from '../../fleet/backup/backup-lease.ts';

/** How the lease is held, milliseconds. */
export interface LeaseTimes {
  ttl: number;
  renew: number;
  /** A renewal that was asked for longer ago proves nothing: less than `ttl`, so that the work has ended before another's begins. */
  proof: number;
}

const LEASE_TIMES: Readonly<LeaseTimes> = Object.freeze({ ttl: 10_000, renew: 2000, proof: 8000 });

/** What {@link Leadership} needs. */
export interface LeadershipParts {
  lease: BackupLease;
  me: BackupServiceNote;
  clock: Clock;
  log: Logger;
  times?: LeaseTimes;
}

/**
 * Whether this service is the one that makes the backups. It is while it holds the lease in Redis and has a proof of that, a renewal asked for less than
 * `times.proof` ago on the monotonic clock; that time is a *term*. A term ends, and aborts its signal, at the first answer that names another, or when no
 * proof came in time, as after a pause of the process. Whoever holds the lease again after that begins a new term.
 */
export class Leadership {
  readonly me: BackupServiceNote;
  readonly #lease: BackupLease;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #times: LeaseTimes;
  readonly #begin: ((term: AbortSignal) => void)[] = [];
  #term: AbortController | undefined;
  #proved = Number.NEGATIVE_INFINITY;
  #holder: BackupServiceNote | null = null;
  #answers = false;
  #stopped = false;

  constructor({ lease, me, clock, log, times = LEASE_TIMES }: LeadershipParts) {
    this.me = me;
    this.#lease = lease;
    this.#clock = clock;
    this.#log = log;
    this.#times = times;
  }

  /** Calls back at the beginning of each term; what begins there ends when the signal says so. Add before {@link run}. */
  onTerm(begin: (term: AbortSignal) => void): void {
    this.#begin.push(begin);
  }

  /** The present term's signal. Throws WharfError `backup_unavailable` where another service makes the backups, or it is not known whether this one does. */
  term(): AbortSignal {
    this.#endIfUnproved();
    if (this.#term) return this.#term.signal;
    throw new WharfError(
      'backup_unavailable',
      this.#holder
        ? `This backup service does not hold the lease; the one at ${this.#holder.url} does.`
        : 'This backup service does not hold the lease, and Redis does not say who does. It tries again every two seconds.',
    );
  }

  /** Whether a term runs. */
  get leads(): boolean {
    this.#endIfUnproved();
    return this.#term !== undefined;
  }

  /** Who held the lease when Redis answered last. */
  get holder(): BackupServiceNote | null {
    return this.#holder;
  }

  /** Whether Redis answered when it was asked last. */
  get redisAnswers(): boolean {
    return this.#answers;
  }

  /**
   * Asks Redis now whether this service holds the lease, for what must not happen twice.
   *
   * @param term what the caller works under: a later term is not it
   * @throws WharfError `backup_unavailable`, `redis_unavailable`; the reason of `term` where that has ended
   */
  async confirm(term: AbortSignal): Promise<void> {
    await this.#renew();
    term.throwIfAborted();
    this.term();
  }

  /** Holds the lease, or waits for it, until `stop`; then ends the term and gives the lease up. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#renew();
      } catch (error) {
        if (!isWharfError(error, 'redis_unavailable')) throw error;
      }
      const untilUnproved = this.#proved + this.#times.proof - this.#clock.monotonic();
      const pause = this.#term ? Math.max(1, Math.min(this.#times.renew, untilUnproved)) : this.#times.renew;
      await this.#clock.sleep(pause, stop).catch(() => undefined);
      this.#endIfUnproved();
    }
    this.#stop();
  }

  /** Gives the lease up, so that another service need not wait for it to lapse. After what ran in the term has ended. */
  async release(): Promise<void> {
    this.#stop();
    await this.#lease.release(this.me.service).catch((error) => {
      this.#log.warn({ reason: messageOf(error) }, 'the lease could not be given up; it lapses');
    });
  }

  async #renew(): Promise<void> {
    const asked = this.#clock.monotonic();
    try {
      this.#holder = await this.#lease.hold(this.me, this.#times.ttl);
      this.#answers = true;
    } catch (error) {
      this.#answers = false;
      throw error;
    }
    // A term whose proofs had a gap has ended in the gap: another may have led, and given up.
    this.#endIfUnproved();
    if (this.#holder.service !== this.me.service)
      return this.#end(`the service at ${this.#holder.url} makes the backups now`);
    this.#proved = Math.max(this.#proved, asked);
    if (!this.#term && this.#clock.monotonic() - this.#proved < this.#times.proof) this.#start();
  }

  #stop(): void {
    this.#stopped = true;
    this.#end('the service stops');
  }

  #start(): void {
    if (this.#stopped) return;
    const term = new AbortController();
    this.#term = term;
    this.#log.info('this service makes the backups');
    for (const begin of this.#begin) begin(term.signal);
  }

  #endIfUnproved(): void {
    if (this.#term && this.#clock.monotonic() - this.#proved >= this.#times.proof)
      this.#end('the lease could not be renewed in time');
  }

  #end(why: string): void {
    if (!this.#term) return;
    const term = this.#term;
    this.#term = undefined;
    this.#log.warn({ why }, 'this service does not make the backups any more');
    term.abort(new WharfError('backup_unavailable', `${why.charAt(0).toUpperCase()}${why.slice(1)}.`));
  }
}
