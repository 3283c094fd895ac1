import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import { statusEvent } from '../../fleet/events/status-event.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import type { EndedMessage, MessageQueues } from '../../fleet/queue/message-queues.ts';
import type { Forwarder } from '../proxy/forwarder.ts';
import { askStatus } from './sending-session.ts';

const CODE = 'session_deleted';
const DETAIL = 'The session was deleted before the message was sent.';

/** Between two looks for messages that nobody will send, milliseconds. */
const INTERVAL = 60_000;

/** A queue, and whether its session is known. */
export interface KnownQueue {
  session: SessionKey;
  /** Messages that have not ended. */
  depth: number;
  isKnown: boolean;
}

/** What ending messages needs. */
export interface LeftoversParts {
  queues: Pick<MessageQueues, 'endAll'>;
  events: Pick<EventLog, 'append'>;
  forwarder: Pick<Forwarder, 'send'>;
  /** Whether there is proof that somebody deleted a session that is not there. Throws WharfError `storage_unavailable`. */
  wasDeleted: (session: SessionKey) => Promise<boolean>;
  clock: Clock;
  log: Logger;
}

/**
 * Ends the messages of sessions that are no more. That is done when a session is deleted; what came in at that very moment at another router, or could not be
 * ended since the queues were away, is found by looking from time to time, since nobody sends it and nobody else would end it.
 */
export class Leftovers {
  readonly #parts: LeftoversParts;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: LeftoversParts) {
    this.#parts = parts;
  }

  /** @param look tells how the queues stand */
  start(look: () => readonly KnownQueue[]): void {
    this.#running ??= this.#run(look);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Ends all messages of a session that is not there, and tells of each. Queues that are away stop nobody: what is left is ended later. */
  async end({ workspace, session }: SessionKey): Promise<void> {
    const { queues, log } = this.#parts;
    const tell = (ended: EndedMessage[]) => this.#tell({ workspace, session }, ended);
    try {
      const count = await queues.endAll({ workspace, session }, CODE, DETAIL, tell);
      if (count > 0) log.info({ workspace, session, count }, 'messages of a deleted session have ended');
    } catch (error) {
      if (!(error instanceof WharfError)) throw error;
      log.warn(
        { workspace, session, reason: error.message },
        'messages of a deleted session cannot be ended now; that is tried again',
      );
    }
  }

  /**
   * Ends the messages of those sessions that are not known, of which the workspace's owner says that they are not there, and that were deleted. What the owner does not answer says
   * nothing; and one that is gone without a proof was lost: its messages wait for a restore.
   */
  async endOrphans(found: readonly KnownQueue[]): Promise<void> {
    for (const { session, depth, isKnown } of found) {
      if (isKnown || depth === 0 || this.#stopping.signal.aborted) continue;
      const isThere = await askStatus(this.#parts.forwarder, session, 'leftovers').then(
        () => true,
        (error: unknown) => !isWharfError(error, 'session_not_found'),
      );
      if (!isThere && (await this.#parts.wasDeleted(session))) await this.end(session);
    }
  }

  async #run(look: () => readonly KnownQueue[]): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(INTERVAL, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.endOrphans(look()).catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'messages of deleted sessions cannot be looked for');
      });
    }
  }

  async #tell(session: SessionKey, ended: readonly EndedMessage[]): Promise<void> {
    const { events, clock } = this.#parts;
    const at = clock.now();
    const error = { code: CODE, detail: DETAIL };
    const told = ended.map(({ message, to: chat, status }) =>
      statusEvent(session, { message, whatsappId: null, chat, status, error, at }),
    );
    if (told.length > 0) await events.append(told);
  }
}
