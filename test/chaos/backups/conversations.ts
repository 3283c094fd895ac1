import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProvenSession } from '../messages/fleet.ts';
import type { EmulatedPhones } from './emulated.ts';
import type { BackupFleet } from './fleet.ts';

/** Bytes of what comes with every other incoming message, at most: an image's preview, say. The page's database writes tables because of them. */
const PREVIEW = 45_000;

/** Messages both ways over sessions for as long as it goes on: what is copied changes while it is copied. */
export class Conversations {
  /** Accepted to be sent. */
  out = 0;
  /** Written to the accounts. */
  in = 0;
  readonly #fleet: BackupFleet;
  readonly #emulated: EmulatedPhones;
  readonly #pause: number;
  readonly #over = new AbortController();
  #talks: Promise<void>[] = [];

  /** @param pause milliseconds between two messages of a session: one out, one in, and so on */
  constructor(fleet: BackupFleet, emulated: EmulatedPhones, pause: number) {
    this.#fleet = fleet;
    this.#emulated = emulated;
    this.#pause = pause;
  }

  begin(): void {
    this.#talks = this.#fleet.sessions.map((session) => this.#talk(session));
  }

  /** Ends them. Throws what went wrong on the way. */
  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#talks);
  }

  async #talk({ workspace, session, phone }: ProvenSession): Promise<void> {
    const friend = `49180${phone.slice(-7)}`;
    for (let number = 0; !this.#over.signal.aborted; number += 1) {
      if (number % 2 === 0) {
        await this.#fleet.api(
          'POST',
          `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}`,
          {
            to: friend,
            text: `${session} says ${number}`,
          },
        );
        this.out += 1;
      } else {
        const preview =
          number % 4 === 1 ? randomBytes(Math.floor(Math.random() * PREVIEW)).toString('base64') : '';
        const body = `${number} to ${session} ${preview}`;
        await this.#emulated.ask('POST', '/deliver', { phone, from: friend, body });
        this.in += 1;
      }
      await sleep(this.#pause, undefined, { signal: this.#over.signal }).catch(() => {});
    }
  }
}
