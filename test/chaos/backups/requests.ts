import { setTimeout as sleep } from 'node:timers/promises';
import { phoneNumber } from '../../bench/support/phones.ts';
import type { ProvenSession } from '../messages/fleet.ts';
import type { BackupFleet } from './fleet.ts';

/** Between two requests for one session, milliseconds. */
const PAUSE = 200;

/** Clients of some sessions that ask and send at all times, and count what was no success. */
export class Requests {
  made = 0;
  /** By what was asked and answered. */
  readonly failed: Record<string, number> = {};
  readonly #fleet: BackupFleet;
  readonly #over = new AbortController();
  readonly #clients: Promise<void>[];

  constructor(fleet: BackupFleet, sessions: readonly ProvenSession[]) {
    this.#fleet = fleet;
    this.#clients = sessions.map((session) => this.#client(session));
  }

  get failures(): number {
    return Object.values(this.failed).reduce((sum, count) => sum + count, 0);
  }

  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#clients);
  }

  async #client({ workspace, session }: ProvenSession): Promise<void> {
    const path = `/api/whatsapp/sessions/${session}`;
    for (let number = 0; !this.#over.signal.aborted; number += 1) {
      await this.#ask('GET', `${path}?workspace_id=${workspace}`);
      // With `wait` the answer is that of WhatsApp: the session's browser works.
      await this.#ask('POST', `${path}/messages?workspace_id=${workspace}&wait=30`, {
        to: phoneNumber(9000),
        text: `${session} ${number}`,
      });
      await sleep(PAUSE);
    }
  }

  async #ask(method: string, path: string, body?: Record<string, unknown>): Promise<void> {
    this.made += 1;
    const answer = await this.#fleet.ask(method, path, body);
    // 202 to a message that was waited for: it did not go out in time.
    const wanted = answer.kind === 'answered' && answer.status === 200 && answer.body['status'] !== 'failed';
    if (wanted) return;
    const what =
      answer.kind === 'answered'
        ? `${answer.status} ${String(answer.body['code'] ?? answer.body['status'] ?? '')}`
        : `${answer.kind} ${answer.reason.slice(0, 80)}`;
    const name = `${method}: ${what}`;
    this.failed[name] = (this.failed[name] ?? 0) + 1;
  }
}
