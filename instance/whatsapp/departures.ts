import type { ClientAuthority } from './client.ts';

/** A message that is on its way through the page. */
export interface Departure {
  /** Its id as the page knows it, once it may have left. */
  whatsappId: string | undefined;
  /** Why it was not let go, where asking threw. */
  refusal: unknown;
}

/**
 * Decides whether a message may leave, when the page asks for it at the last moment. What is no longer waited for never leaves: a call into
 * the page that was given up may go on there for minutes.
 */
export class Departures {
  readonly #authority: ClientAuthority;
  readonly #open = new Map<string, { departure: Departure; begin: () => Promise<boolean> }>();

  constructor(authority: ClientAuthority) {
    this.#authority = authority;
  }

  /** @param begin see `WhatsAppClient.send` */
  open(key: string, begin: () => Promise<boolean>): Departure {
    const departure: Departure = { whatsappId: undefined, refusal: undefined };
    this.#open.set(key, { departure, begin });
    return departure;
  }

  /** From now on it does not leave, if it has not yet. */
  close(key: string, departure: Departure): void {
    if (this.#open.get(key)?.departure === departure) this.#open.delete(key);
  }

  /** The page asks. Answers true once for each message. */
  async ask(key: string, whatsappId: string): Promise<boolean> {
    const asked = this.#open.get(key);
    if (!asked || asked.departure.whatsappId !== undefined) return false;
    const { departure, begin } = asked;
    try {
      this.#authority.require();
      if (!(await begin())) return false;
      // Writing it down may have taken long.
      this.#authority.require();
    } catch (error) {
      departure.refusal = error;
      return false;
    }
    if (this.#open.get(key) !== asked || departure.whatsappId !== undefined) return false;
    departure.whatsappId = whatsappId;
    return true;
  }
}
