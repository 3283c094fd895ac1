import type { Clock } from '../../common/clock.ts';
import type { MessageId } from '../../fleet/queue/message-ids.ts';
import type { Ack } from '../whatsapp/client.ts';

/** How many messages' acks are remembered: one may come before the send it belongs to has been answered. */
const LIMIT = 200;

const DONE = new Error('the ack is no longer waited for');

/** An ack, 1 or more or -1, and the id that WhatsApp knows its message by. */
export interface NotedAck {
  whatsappId: string;
  ack: Ack;
}

/** The latest acks of a session's messages, and those who wait for one. */
export class AckBook {
  readonly #clock: Clock;
  readonly #acks = new Map<MessageId, NotedAck>();
  readonly #waiting = new Map<MessageId, (ack: Ack | 'gone') => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes an ack. Acks never go back, but to failed; pending says nothing. */
  note(message: MessageId, whatsappId: string, ack: Ack): void {
    const known = this.#acks.get(message);
    if (ack === 0 || (ack > 0 && known !== undefined && known.ack >= ack)) return;
    this.#acks.set(message, { whatsappId, ack });
    const [oldest] = this.#acks.keys();
    if (this.#acks.size > LIMIT && oldest !== undefined) this.#acks.delete(oldest);
    this.#waiting.get(message)?.(ack);
  }

  /** The ack noted last, if it is remembered. */
  known(message: MessageId): NotedAck | undefined {
    return this.#acks.get(message);
  }

  /**
   * Waits until WhatsApp's server has the message or refused it; one waits for a message at a time. Answers the ack; `late` after so many milliseconds,
   * `gone` when the session was lost.
   */
  async settled(message: MessageId, milliseconds: number): Promise<Ack | 'late' | 'gone'> {
    const known = this.#acks.get(message);
    if (known !== undefined) return known.ack;
    const over = new AbortController();
    const told = new Promise<Ack | 'gone'>((resolve) => {
      this.#waiting.set(message, resolve);
    });
    const late = this.#clock.sleep(milliseconds, over.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    );
    try {
      return await Promise.race([told, late]);
    } finally {
      over.abort(DONE);
      this.#waiting.delete(message);
    }
  }

  /** The session was lost: nobody will hear more of what is on its way. */
  abandon(): void {
    for (const settle of [...this.#waiting.values()]) settle('gone');
  }
}
