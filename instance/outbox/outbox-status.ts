import type { SessionKey } from '../../fleet/queue/message-ids.ts';

/** Why a session's queue stands still though the session is ready. */
export interface Stuck {
  /** Unix milliseconds. */
  since: number;
  why: string;
}

/** What an instance's outbox does and has done; read by its metrics. */
export class OutboxStatus {
  /** Messages that are being prepared, handed over or waited for. */
  underWay = 0;
  sent = 0;
  failed = 0;
  unknown = 0;
  /** Tries that failed and were followed by another. */
  retries = 0;
  /** Browsers started anew since a message got no ack. */
  renewals = 0;
  readonly #stuck = new Map<string, Stuck>();

  noteStuck(session: SessionKey, stuck: Stuck): void {
    if (!this.#stuck.has(keyOf(session))) this.#stuck.set(keyOf(session), stuck);
  }

  noteMoving(session: SessionKey): void {
    this.#stuck.delete(keyOf(session));
  }

  stuck(session: SessionKey): Stuck | undefined {
    return this.#stuck.get(keyOf(session));
  }

  get stuckSessions(): number {
    return this.#stuck.size;
  }
}

function keyOf({ workspace, session }: SessionKey): string {
  return `${workspace}/${session}`;
}
