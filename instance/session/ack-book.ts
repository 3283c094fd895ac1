import type { Ack } from '../whatsapp/client.ts';

/** How many messages' acks are remembered; an ack that comes before its send was answered is used within milliseconds. */
const LIMIT = 2000;

/** The latest ack of each message of a session, and those who wait for one: an ack may come before the send it belongs to has been answered. */
export class AckBook {
  readonly #acks = new Map<string, Ack>();
  readonly #waiting = new Map<string, Set<(ack: Ack | 'gone') => void>>();

  /** Notes an ack. Acks never go back, but to failed; pending says nothing of a message of which more is known. */
  note(whatsappId: string, ack: Ack): void {
    const known = this.#acks.get(whatsappId);
    if (known !== undefined && (ack === 0 || (ack > 0 && known >= ack))) return;
    this.#acks.set(whatsappId, ack);
    if (this.#acks.size > LIMIT)
      for (const oldest of this.#acks.keys()) {
        this.#acks.delete(oldest);
        break;
      }
    if (ack !== 0) for (const settle of this.#waiting.get(whatsappId) ?? []) settle(ack);
  }

  /** Waits until WhatsApp's server has the message or refused it. Answers the ack; `late` after so many milliseconds, `gone` when the session was lost. */
  async settled(whatsappId: string, milliseconds: number): Promise<Ack | 'late' | 'gone'> {
    const known = this.#acks.get(whatsappId);
    if (known !== undefined && known !== 0) return known;
    return await new Promise((resolve) => {
      const waiting = this.#waiting.get(whatsappId) ?? new Set();
      this.#waiting.set(whatsappId, waiting);
      const settle = (outcome: Ack | 'late' | 'gone') => {
        clearTimeout(timer);
        waiting.delete(settle);
        if (waiting.size === 0) this.#waiting.delete(whatsappId);
        resolve(outcome);
      };
      const timer = setTimeout(() => settle('late'), milliseconds);
      waiting.add(settle);
    });
  }

  /** The session was lost: nobody will hear more of what is on its way. */
  abandon(): void {
    for (const waiting of [...this.#waiting.values()]) for (const settle of [...waiting]) settle('gone');
  }
}
