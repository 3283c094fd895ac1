import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { MessageId } from '../../fleet/queue/message-ids.ts';
import type { MessageQueues } from '../../fleet/queue/message-queues.ts';
import type { MessageView } from '../../fleet/queue/outgoing.ts';
import { hasEnded } from '../../fleet/queue/receipt.ts';

/** How often a message that is waited for is looked at, milliseconds: a word of its end may get lost, or go to another router that waits for it too. */
const LOOK_INTERVAL = 1000;

/** Until the words of ends are asked for again where that failed, milliseconds. */
const LISTEN_AGAIN = 1000;

/** Why a sleep is given up; made once, since an error is dear and this one is never shown. */
const OVER = new Error('nobody waits any more');

/** What waiting for ends needs. */
export interface EndingsParts {
  queues: Pick<MessageQueues, 'find' | 'onEnded'>;
  clock: Clock;
  log: Logger;
  /** This router, as the owners of sessions are to name it. */
  waiter: string;
}

/** Waits for messages to end, for callers who want to hear of it in the answer. */
export class Endings {
  readonly #parts: EndingsParts;
  readonly #bells = new Map<MessageId, Set<() => void>>();
  readonly #stopping = new AbortController();
  #listening: Promise<void> | undefined;

  constructor(parts: EndingsParts) {
    this.#parts = parts;
  }

  /** Who is to be told of the end of a message that is waited for here. */
  get waiter(): string {
    return this.#parts.waiter;
  }

  /** Begins to hear of ends; while the queues are away it goes on trying. */
  start(): void {
    this.#listening ??= this.#listen();
  }

  /** Ends every wait: who waits is told where his message stands. */
  async stop(): Promise<void> {
    this.#stopping.abort(OVER);
    for (const bells of this.#bells.values()) this.#ring(bells);
    await this.#listening;
  }

  /**
   * The message once it has ended, or where it stood last when time is up, the caller left or the router stops; undefined where that is not known.
   * Queues that are away meanwhile are waited for: the message was accepted, and an error would say that it was not.
   *
   * @param seconds to wait at most
   */
  async wait(message: MessageId, seconds: number, caller: AbortSignal): Promise<MessageView | undefined> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + seconds * 1000;
    const bell = this.#hang(message);
    caller.addEventListener('abort', bell.ring);
    let view: MessageView | undefined;
    try {
      for (;;) {
        // Asked for before looking: an end that comes between the two is not missed.
        const rung = bell.next();
        view = (await this.#look(message)) ?? view;
        const left = end - clock.monotonic();
        const isOver = left <= 0 || caller.aborted || this.#stopping.signal.aborted;
        if (isOver || (view && hasEnded(view))) return view;
        await this.#pause(Math.min(LOOK_INTERVAL, left), rung);
      }
    } finally {
      caller.removeEventListener('abort', bell.ring);
      bell.takeDown();
    }
  }

  async #look(message: MessageId): Promise<MessageView | undefined> {
    try {
      return await this.#parts.queues.find(message);
    } catch (error) {
      if (!isWharfError(error, 'queue_unavailable')) throw error;
      return undefined;
    }
  }

  async #pause(milliseconds: number, rung: Promise<void>): Promise<void> {
    const done = new AbortController();
    const slept = this.#parts.clock.sleep(milliseconds, done.signal).catch(() => undefined);
    await Promise.race([slept, rung]);
    done.abort(OVER);
  }

  #hang(message: MessageId) {
    const bells = this.#bells.get(message) ?? new Set();
    this.#bells.set(message, bells);
    let wake: () => void = () => undefined;
    const ring = () => wake();
    bells.add(ring);
    return {
      ring,
      next: () =>
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
      takeDown: () => {
        bells.delete(ring);
        if (bells.size === 0) this.#bells.delete(message);
      },
    };
  }

  #ring(bells: Iterable<() => void>): void {
    for (const ring of bells) ring();
  }

  async #listen(): Promise<void> {
    const { queues, clock, log, waiter } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const end = await queues.onEnded(waiter, (message) => {
          this.#ring(this.#bells.get(message) ?? []);
        });
        await untilAborted(signal);
        await end();
        return;
      } catch (error) {
        log.debug({ reason: messageOf(error) }, 'the ends of messages cannot be heard of yet');
        await clock.sleep(LISTEN_AGAIN, signal).catch(() => undefined);
      }
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
