import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { statusEvent } from '../../fleet/events/status-event.ts';
import {
  chatOf,
  type MessageId,
  messageIdOf,
  type SessionKey,
  whatsappKeyOf,
} from '../../fleet/queue/message-ids.ts';
import { advance, toldByAck } from '../../fleet/queue/message-state.ts';
import type { SessionQueue } from '../../fleet/queue/session-queues.ts';
import type { Session } from '../session/session.ts';
import type { Ack, FateQuery } from '../whatsapp/client.ts';
import type { OutboxParts } from './outbox-parts.ts';

/** Acks that wait to be written down, at most; those beyond are found out at the next ready. */
const LIMIT = 10_000;
/** Messages that the history is asked for in one look. */
const AT_ONCE = 100;
/** How far back messages are asked for, hours. */
const HOURS = 24;

/** What later acks are noted with. */
export interface LaterAcksOptions {
  key: SessionKey;
  session: Session;
  queue: SessionQueue;
  signal: AbortSignal;
  log: Logger;
}

/**
 * Notes what becomes of messages after they have ended: delivered, read, or sent after all where nobody knew. One after the other; while Redis cannot, they wait.
 *
 * The event is stored before the state is: where the process dies in between, the message is not at its last state, so that the history is asked for it at the next
 * ready, and the same event is told under the same id.
 */
export class LaterAcks {
  readonly #options: LaterAcksOptions;
  readonly #parts: OutboxParts;
  readonly #pending = new Map<string, Ack>();
  #draining = false;

  constructor(options: LaterAcksOptions, parts: OutboxParts) {
    this.#options = options;
    this.#parts = parts;
  }

  note(whatsappId: string, ack: Ack): void {
    if (messageIdOf(this.#options.key, whatsappId) === undefined) return;
    if (this.#pending.size >= LIMIT && !this.#pending.has(whatsappId)) return;
    const known = this.#pending.get(whatsappId);
    if (known === undefined || ack > known || ack < 0) this.#pending.set(whatsappId, ack);
    if (this.#draining) return;
    this.#draining = true;
    void this.#drain();
  }

  /** Asks the history for all that may have been acknowledged while nobody listened. */
  async catchUp(): Promise<void> {
    const { log, queue, session, signal } = this.#options;
    try {
      const messages = await queue.unsettled(HOURS);
      for (let at = 0; at < messages.length && !signal.aborted; at += AT_ONCE) {
        const queries = await this.#queriesFor(messages.slice(at, at + AT_ONCE));
        if (queries.length === 0) continue;
        const { fates } = await session.readyClient().fates(queries);
        for (const fate of fates)
          if (fate.kind === 'present' && fate.ack !== 0) this.note(fate.whatsappId, fate.ack);
      }
    } catch (error) {
      if (!signal.aborted)
        log.warn({ reason: messageOf(error) }, 'acks that came while nobody listened were not asked for');
    }
  }

  async #queriesFor(messages: readonly MessageId[]): Promise<FateQuery[]> {
    const found = await Promise.all(
      messages.map(async (message) => ({ message, found: await this.#options.queue.find(message) })),
    );
    return found.flatMap(({ message, found }) => {
      const whatsappId = found?.state.whatsapp_id ?? undefined;
      const to = found?.message?.message.to ?? chatOf(whatsappId ?? '');
      return to === undefined ? [] : [{ to, key: whatsappKeyOf(message), whatsappId }];
    });
  }

  async #drain(): Promise<void> {
    const { log, signal } = this.#options;
    const { clock, random } = this.#parts;
    for (let failures = 0; !signal.aborted; ) {
      const [next] = this.#pending;
      if (!next) {
        // In the same breath as the look: what is noted a moment later begins anew.
        this.#draining = false;
        return;
      }
      const [whatsappId, ack] = next;
      try {
        await this.#settle(whatsappId, ack);
        failures = 0;
        if (this.#pending.get(whatsappId) === ack) this.#pending.delete(whatsappId);
      } catch (error) {
        if (!isWharfError(error, 'queue_unavailable')) {
          this.#pending.delete(whatsappId);
          log.warn({ reason: messageOf(error) }, 'an ack could not be noted');
          continue;
        }
        failures += 1;
        await clock
          .sleep(Math.min(250 * 2 ** failures, 5000) * (1 + random()), signal)
          .catch(() => undefined);
      }
    }
  }

  async #settle(whatsappId: string, ack: Ack): Promise<void> {
    const { key, queue } = this.#options;
    const { clock, counters, events, status } = this.#parts;
    const id = messageIdOf(key, whatsappId);
    const found = id === undefined ? undefined : await queue.find(id);
    // What is in hand is its courier's.
    if (id === undefined || !found || found.state.status === 'queued' || found.state.status === 'sending')
      return;
    const at = new Date(clock.now()).toISOString();
    const told = toldByAck(found.state, { whatsappId, ack, at });
    if (!told) return;
    const after = advance(found.state, told);
    if (after.status === found.state.status) return;
    const chat = found.message?.message.to ?? chatOf(whatsappId) ?? null;
    // That it was sent is told always, whatever more is known by now.
    const isFirst = found.state.sent_at === null && after.sent_at !== null && after.status !== 'sent';
    const statuses = isFirst ? (['sent', after.status] as const) : [after.status];
    await events.append(
      statuses.map((status) =>
        statusEvent(key, { message: id, whatsappId, chat, status, error: after.error, at: clock.now() }),
      ),
    );
    await queue.note(id, { whatsappId, ack, at });
    if (found.state.sent_at === null && after.sent_at !== null) {
      counters.messages_sent += 1;
      status.sent += 1;
    }
  }
}
