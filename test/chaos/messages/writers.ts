import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../helpers/random.ts';
import type { MessagesFleet, ProvenSession } from './fleet.ts';

/** A message that somebody wrote to an account; WhatsApp has it. */
export interface Written {
  /** WhatsApp's id, as an event carries it. */
  whatsappId: string;
  session: string;
  chat: string;
  /** Counts the messages to a session. */
  order: number;
}

/** People who write to each account. */
const FRIENDS = 3;

/** People who write to the accounts, whatever happens: to each account one message after another, from a few chats. */
export class Writers {
  readonly written: Written[] = [];
  readonly #fleet: MessagesFleet;
  readonly #seed: number;
  readonly #label: string;

  constructor(fleet: MessagesFleet, seed: number, label: string) {
    this.#fleet = fleet;
    this.#seed = seed;
    this.#label = label;
  }

  /** @param rate messages a second over all accounts */
  async run(messages: number, rate: number, signal: AbortSignal): Promise<void> {
    const { sessions } = this.#fleet;
    await Promise.all(
      sessions.map((session, index) => {
        const share = Math.floor(messages / sessions.length) + (index < messages % sessions.length ? 1 : 0);
        return this.#writeAll(
          session,
          new SeededRandom(this.#seed + index),
          share,
          rate / sessions.length,
          signal,
        );
      }),
    );
  }

  async #writeAll(
    { session, phone }: ProvenSession,
    random: SeededRandom,
    count: number,
    rate: number,
    signal: AbortSignal,
  ): Promise<void> {
    const began = performance.now();
    for (let number = 0; number < count && !signal.aborted; number += 1) {
      const friend = random.int(1, FRIENDS);
      const { serialized, chat } = await this.#fleet.emulator('POST', '/deliver', {
        phone,
        from: `4918${friend}${phone.slice(-7)}`,
        body: `${this.#label}: ${number} to ${session}`,
      });
      this.written.push({
        whatsappId: String(serialized),
        session,
        chat: String(chat),
        order: this.written.length,
      });
      await sleep(Math.max(0, began + ((number + 1) / rate) * 1000 - performance.now()));
    }
  }
}
