import { type Clock, systemClock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import { sessionTag } from './message-ids.ts';
import { queueAnswer } from './queue-answers.ts';
import { queueKeys, readSessionText, sessionText } from './queue-keys.ts';
import { type QueueCommands, queueCommands } from './redis-queue-commands.ts';

const DAY = 24 * 3_600_000;
/** How often it is cleaned, milliseconds. */
const EVERY = 5 * 60_000;
/** Messages that go in one step. */
const AT_ONCE = 250;

export interface QueueCleanerOptions {
  /** How long a message's body is kept after its end, milliseconds. */
  retention: number;
  clock?: Clock;
  every?: number;
}

/**
 * Removes bodies that are past their retention, and messages that ended before that and a day: so long their state is kept, since an Idempotency-Key stands for it. It
 * runs in every router, and one of them works at a time: queues of sessions that nobody serves are cleaned as well.
 */
export class QueueCleaner {
  readonly #redis: Redis;
  readonly #commands: QueueCommands;
  readonly #log: Logger;
  readonly #retention: number;
  readonly #every: number;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(redis: Redis, options: QueueCleanerOptions, log: Logger) {
    this.#redis = redis;
    this.#commands = queueCommands(redis);
    this.#log = log;
    this.#retention = options.retention;
    this.#every = options.every ?? EVERY;
    this.#clock = options.clock ?? systemClock;
  }

  /** Cleans from time to time until {@link QueueCleaner.close}. */
  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closing.abort();
  }

  /** Cleans all queues once; gives how many messages were removed, and how many lost their bodies. */
  async clean(): Promise<{ messages: number; bodies: number }> {
    const total = { messages: 0, bodies: 0 };
    for (const text of await queueAnswer(this.#redis.hvals(queueKeys.sessions))) {
      const key = readSessionText(text);
      if (!key) continue;
      for (let more = true; more && !this.#closing.signal.aborted; ) {
        const [messages, bodies] = await this.#commands.clean(
          queueKeys.queue(key),
          queueKeys.sessions,
          this.#retention,
          Math.max(this.#retention, DAY),
          sessionTag(key),
          sessionText(key, 'gone'),
          AT_ONCE,
        );
        total.messages += messages;
        total.bodies += bodies;
        more = messages + bodies >= AT_ONCE;
      }
    }
    return total;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        // A little less than the time between two, so that the next to come finds it free.
        const mine = await queueAnswer(
          this.#redis.set(queueKeys.cleaning, 'running', 'PX', Math.round(this.#every * 0.9), 'NX'),
        );
        if (mine !== null) await this.clean();
      } catch (error) {
        this.#log.warn({ reason: messageOf(error) }, 'queues could not be cleaned; it is tried again');
      }
      await this.#clock.sleep(this.#every, this.#closing.signal).catch(() => {});
    }
  }
}
