import type { MessagesFleet } from './fleet.ts';
import { type Share, share } from './load.ts';

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
    await share(this.#fleet.sessions, { messages, rate, seed: this.#seed }, (mine) =>
      this.#writeAll(mine, signal),
    );
  }

  async #writeAll({ session: reader, messages, random, pace }: Share, signal: AbortSignal): Promise<void> {
    const { session, phone } = reader;
    for (let number = 0; number < messages && !signal.aborted; number += 1) {
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
      await pace(number + 1);
    }
  }
}
