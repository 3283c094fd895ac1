import { randomBytes } from 'node:crypto';
import { isWharfError, WharfError } from '../../common/errors.ts';
import type { MessageReceipt, MessageStatus } from '../../fleet/messages.ts';
import type { Ack, PreparedMessage, WhatsAppClient } from '../whatsapp/client.ts';
import { AckBook } from './ack-book.ts';
import type { InstanceCounters } from './counters.ts';

/** Sends the messages of a session and says what became of them. Success is the server's ack, never the page's return (facts file, 12). */
export class Sender {
  readonly #counters: InstanceCounters;
  readonly #acks = new AckBook();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(counters: InstanceCounters) {
    this.#counters = counters;
  }

  /** An ack came. */
  note(whatsappId: string, ack: Ack): void {
    this.#acks.note(whatsappId, ack);
  }

  /** The browser is gone: what waits for an ack hears no more of it. */
  abandon(): void {
    this.#acks.abandon();
  }

  /**
   * Sends a message and waits for the server's ack.
   *
   * @param messageId ours
   * @param wait milliseconds to wait for the ack
   * @throws WharfError as `WhatsAppClient.send`; `send_failed` also when the server refused it
   */
  async send(
    client: WhatsAppClient,
    message: PreparedMessage,
    messageId: string,
    wait: number,
  ): Promise<MessageReceipt> {
    const sending = this.#send(client, message, messageId, wait);
    this.#underWay.add(sending);
    try {
      return await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  /** Resolves when what is being sent now has come to its end, whatever that is. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  async #send(
    client: WhatsAppClient,
    message: PreparedMessage,
    messageId: string,
    wait: number,
  ): Promise<MessageReceipt> {
    try {
      const key = `3EB0${randomBytes(9).toString('hex').toUpperCase()}`;
      await client.requireRecipient(message.to);
      const whatsappId = await client.send(message, key, async () => true);
      const ack = await this.#acks.settled(whatsappId, wait);
      if (ack === -1) {
        throw new WharfError('send_failed', `WhatsApp refused the message to ${message.to}.`, {
          extra: { whatsapp_id: whatsappId },
        });
      }
      if (typeof ack === 'number') this.#counters.messages_sent += 1;
      return { message_id: messageId, status: statusOf(ack), whatsapp_id: whatsappId };
    } catch (error) {
      if (!isWharfError(error, 'session_not_ready')) this.#counters.messages_failed += 1;
      throw error;
    }
  }
}

function statusOf(ack: Ack | 'late' | 'gone'): MessageStatus {
  if (ack === 'late') return 'sending';
  if (ack === 'gone') return 'unknown';
  if (ack >= 3) return 'read';
  return ack === 2 ? 'delivered' : 'sent';
}
