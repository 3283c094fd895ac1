import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { Announcement, SessionDetail } from '../fleet/records.ts';
import type { Registry } from '../fleet/registry.ts';

/** An instance renews its announcement every two seconds; ten seconds of silence and it is gone from Redis. */
export const ANNOUNCE_INTERVAL = 2000;
const ANNOUNCE_TTL = 10_000;

/** How long changes of one session are gathered before they are published: a session on its way to ready changes four times in a second. */
const GATHER = 50;

/** What an announcer tells, asked for when it tells it. */
export interface AnnouncerSources {
  announcement: () => Announcement;
  /** Undefined while not all are known: what Redis knows from before stands until then. */
  sessions: () => SessionDetail[] | undefined;
}

/**
 * Keeps Redis told of this instance. Redis is a fast copy: when it is away nothing stops, and all is told again when it is back.
 */
export class Announcer {
  readonly #registry: Registry;
  readonly #sources: AnnouncerSources;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #changed = new Map<string, () => SessionDetail>();
  #gathering: NodeJS.Timeout | undefined;
  #ok = false;
  /** Whether Redis has been told everything since it was away. */
  #toldAll = false;

  constructor(registry: Registry, sources: AnnouncerSources, clock: Clock, log: Logger) {
    this.#registry = registry;
    this.#sources = sources;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether Redis took the last thing it was told. */
  get ok(): boolean {
    return this.#ok;
  }

  /** Tells Redis at intervals until aborted, then that this instance has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.announce();
      await this.#clock.sleep(ANNOUNCE_INTERVAL, signal).catch(() => {});
    }
    clearTimeout(this.#gathering);
    const { instance, incarnation } = this.#sources.announcement();
    await this.#registry.withdraw(instance, incarnation).catch(() => {});
  }

  /** Announces once; everything, where Redis was away before, or was emptied. */
  async announce(): Promise<void> {
    try {
      const known = await this.#registry.announce(this.#sources.announcement(), ANNOUNCE_TTL);
      if (!known) this.#toldAll = false;
      const sessions = this.#toldAll ? undefined : this.#sources.sessions();
      if (sessions) {
        await this.#registry.replaceSessions(this.#sources.announcement().instance, sessions);
        this.#toldAll = true;
        this.#log.info('told Redis everything');
      }
      this.#ok = true;
    } catch (error) {
      this.#toldAll = false;
      if (this.#ok) this.#log.warn({ reason: messageOf(error) }, 'Redis is not told; sessions go on');
      this.#ok = false;
    }
  }

  /** A session changed; `detail` is asked when it is told. */
  session(key: string, detail: () => SessionDetail): void {
    this.#changed.set(key, detail);
    this.#gathering ??= setTimeout(() => this.#flush(), GATHER);
  }

  sessionGone(key: string, workspace: string, session: string): void {
    this.#changed.delete(key);
    this.#tell(() => this.#registry.removeSession(this.#sources.announcement().instance, workspace, session));
  }

  /** A session is not run here any more. It stays known: whoever asks for it is told that it is between two owners. */
  sessionLeft(key: string, detail: SessionDetail): void {
    this.#changed.delete(key);
    this.#tell(() => this.#registry.leaveSession(this.#sources.announcement().instance, detail));
  }

  #flush(): void {
    this.#gathering = undefined;
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    const { instance } = this.#sources.announcement();
    for (const detail of changed) this.#tell(() => this.#registry.publishSession(instance, detail()));
  }

  #tell(telling: () => Promise<unknown>): void {
    if (!this.#ok) return;
    telling().catch((error: unknown) => {
      this.#ok = false;
      this.#toldAll = false;
      this.#log.warn({ reason: messageOf(error) }, 'Redis is not told; sessions go on');
    });
  }
}
