import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { statusEvent } from '../../fleet/events/status-event.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import { wasSent } from '../../fleet/queue/message-state.ts';
import type { MessageState } from '../../fleet/queue/outgoing.ts';
import type { HeldMessage, SessionQueue } from '../../fleet/queue/session-queues.ts';
import type { OutboxParts } from './outbox-parts.ts';

/** Whose messages they are, and where that they ended is written down. */
export interface OutcomeOptions {
  key: SessionKey;
  queue: Pick<SessionQueue, 'finish' | 'requireOwner'>;
  signal: AbortSignal;
  log: Logger;
}

/** Writes down what became of a session's messages: what it wrote is durable when it resolves, however long Redis is away. */
export class OutcomeWriter {
  readonly #options: OutcomeOptions;
  readonly #parts: Pick<OutboxParts, 'clock' | 'events' | 'random'>;

  constructor(options: OutcomeOptions, parts: Pick<OutboxParts, 'clock' | 'events' | 'random'>) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Tells of the states a message came to, in their order. Rejects with the signal's reason; `not_owner`. */
  async tell({ message }: HeldMessage, states: readonly MessageState[]): Promise<void> {
    const { clock, events } = this.#parts;
    const told = states.map((state) =>
      statusEvent(this.#options.key, {
        message: message.message_id,
        whatsappId: state.whatsapp_id,
        chat: message.message.to,
        status: state.status,
        error: state.error,
        at: clock.now(),
      }),
    );
    await this.#persist(async () => {
      // The log knows no epochs: one that was paused, and is no owner any more, must not tell of what the next owner may find otherwise. An ack is true whoever tells it.
      if (!states.every(({ status }) => wasSent(status))) await this.#options.queue.requireOwner();
      await events.append(told);
    });
  }

  /** Ends a message in its queue. Rejects as {@link OutcomeWriter.tell}. */
  async finish(held: HeldMessage, state: MessageState): Promise<void> {
    await this.#persist(async () => {
      await this.#options.queue.finish(held, state);
    });
  }

  /** Tries again while Redis cannot: what became of a message is known here and now, and costs questions later. */
  async #persist(write: () => Promise<void>): Promise<void> {
    const { clock, random } = this.#parts;
    for (let failures = 0; ; failures += 1) {
      try {
        this.#options.signal.throwIfAborted();
        await write();
        return;
      } catch (error) {
        if (!isWharfError(error, 'queue_unavailable')) throw error;
        if (failures === 0)
          this.#options.log.warn({ reason: messageOf(error) }, 'what became of a message waits for Redis');
        await clock.sleep(Math.min(250 * 2 ** failures, 5000) * (1 + random()), this.#options.signal);
      }
    }
  }
}
