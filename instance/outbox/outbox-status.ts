import type { SessionKey } from '../../fleet/queue/message-ids.ts';

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
  /** Sessions that are ready and get no ack. */
  readonly #stuck = new Set<string>();

  noteStuck(session: SessionKey): void {
    this.#stuck.add(keyOf(session));
  }

  noteMoving(session: SessionKey): void {
    this.#stuck.delete(keyOf(session));
  }

  get stuckSessions(): number {
    return this.#stuck.size;
  }
}

function keyOf({ workspace, session }: SessionKey): string {
  return `${workspace}/${session}`;
}
