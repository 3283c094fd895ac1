import type { HeldMessage } from '../../fleet/queue/session-queues.ts';
import type { WhatsAppClient } from '../whatsapp/client.ts';

/** What this process remembers of a message while it has not ended. What is lost with the process is found out again from the queue and the session's history. */
export interface Trial {
  /** True where it may have left, as far as is known: it must not be taken for failed, nor be sent again unasked. */
  uncertain: boolean;
  /** Times it was handed to a page, over all lives. */
  handed: number;
  /** Tries that failed for a reason that may pass. */
  failures: number;
  /** The browser it was given last. */
  client: WhatsAppClient | undefined;
  /** Browsers that broke while it was prepared or handed over. */
  broken: Set<object>;
  /** Since when it could not be sent for reasons that are not its own; monotonic. */
  heldSince: number | null;
  /** Since when its ack is waited for; monotonic, milliseconds. */
  since: number | null;
  renewals: number;
}

/** More are not under way in one session: one in hand, and a few that were given back. */
const LIMIT = 50;

/** The trials of a session's messages. */
export class Trials {
  readonly #trials = new Map<string, Trial>();

  of({ message, state, begun }: HeldMessage): Trial {
    const known = this.#trials.get(message.message_id);
    if (known) return known;
    const trial: Trial = {
      uncertain: begun,
      handed: state.attempts,
      failures: 0,
      client: undefined,
      broken: new Set(),
      heldSince: null,
      since: null,
      renewals: 0,
    };
    this.#trials.set(message.message_id, trial);
    const [oldest] = this.#trials.keys();
    if (this.#trials.size > LIMIT && oldest !== undefined) this.#trials.delete(oldest);
    return trial;
  }

  ended({ message }: HeldMessage): void {
    this.#trials.delete(message.message_id);
  }
}
