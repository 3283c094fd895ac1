import type { SendAckFrame, SendFrame } from '../../protocol/frames.ts';
import type { OutgoingMessage } from '../../protocol/messages.ts';
import type { PageState } from '../state.ts';
import type { Transaction } from '../storage/database.ts';
import { NO_COUNTERS, type OutboxRecord, type StoreName } from '../storage/records.ts';
import { keyOfReference } from './message-model.ts';

/** The numbers a message is sent with. */
export interface SendNumbers {
  readonly seq: number;
  readonly peerSeq: number;
  /** Its place in the order of arrival here. */
  readonly row: number;
}

/** The stores an outgoing message is written to, beside those its `write` needs. */
const OUTBOX_STORES: readonly StoreName[] = ['settings', 'peers', 'outbox', 'messages'];

/**
 * What this device sends: stored durably with its numbers first, then sent, and sent again after every login
 * until the server has acknowledged it.
 */
export class Outbox {
  readonly #state: PageState;
  readonly #send: (frame: SendFrame) => boolean;
  readonly #waiting = new Map<string, ((frame: SendAckFrame) => void)[]>();
  readonly #sentHere = new Set<string>();
  #isOpen = false;

  constructor(state: PageState, send: (frame: SendFrame) => boolean) {
    this.#state = state;
    this.#send = send;
  }

  /**
   * Stores a message together with what `write` adds to the transaction, and sends it when there is a connection.
   * Resolves when it is stored; `acknowledged` when the server has answered, however long that takes.
   */
  async enqueue(
    message: OutgoingMessage,
    stores: readonly StoreName[],
    write: (transaction: Transaction, numbers: SendNumbers) => Promise<void>,
  ): Promise<{ readonly acknowledged: Promise<SendAckFrame> }> {
    const names = [...new Set([...OUTBOX_STORES, ...stores])];
    const record = await this.#state.database.write(names, async (transaction) => {
      const numbers = await this.#number(transaction, message);
      const outgoing: OutboxRecord = { seq: numbers.seq, peerSeq: numbers.peerSeq, message };
      transaction.put('outbox', outgoing);
      await write(transaction, numbers);
      return outgoing;
    });
    const acknowledged = new Promise<SendAckFrame>((resolve) => {
      this.#waiting.set(message.id, [...(this.#waiting.get(message.id) ?? []), resolve]);
    });
    // Another try of a message already under way goes out again, with the same numbers.
    this.#sentHere.delete(message.id);
    this.#transmit(record);
    return { acknowledged };
  }

  /** The device has logged in: everything without an answer goes out, in order. */
  async opened(): Promise<void> {
    this.#sentHere.clear();
    this.#isOpen = true;
    const records = await this.#state.database.read(['outbox'], (transaction) =>
      transaction.getAll('outbox'),
    );
    for (const record of records.sort((a, b) => a.seq - b.seq)) {
      if (!this.#sentHere.has(record.message.id)) this.#transmit(record);
    }
  }

  closed(): void {
    this.#isOpen = false;
  }

  /** The server has answered: written down first, then shown. */
  async acknowledge(frame: SendAckFrame): Promise<void> {
    const me = this.#state.requireMe().wid;
    const key = await this.#state.database.write(['outbox', 'messages'], async (transaction) => {
      const outgoing = await transaction.get('outbox', frame.id);
      if (!outgoing) return undefined;
      transaction.delete('outbox', frame.id);
      const found = keyOfReference({ id: frame.id, sender: me }, outgoing.message.chat, me);
      const record = await transaction.get('messages', found);
      if (record && (frame.ack > record.ack || frame.ack === -1)) {
        transaction.put('messages', { ...record, ack: frame.ack });
      }
      return found;
    });
    if (key !== undefined) this.#state.messages.get(key)?.updateAck(frame.ack);
    const waiting = this.#waiting.get(frame.id) ?? [];
    this.#waiting.delete(frame.id);
    for (const resolve of waiting) resolve(frame);
  }

  /** New numbers; those of an earlier try where the message has been sent before. */
  async #number(transaction: Transaction, message: OutgoingMessage): Promise<SendNumbers> {
    const me = this.#state.requireMe().wid;
    const counters = (await transaction.getSetting('counters')) ?? NO_COUNTERS;
    const before = await transaction.get(
      'messages',
      keyOfReference({ id: message.id, sender: me }, message.chat, me),
    );
    if (before?.seq !== undefined && before.peerSeq !== undefined) {
      return { seq: before.seq, peerSeq: before.peerSeq, row: before.row };
    }
    const peer = await transaction.get('peers', message.chat);
    const numbers = { seq: counters.sendSeq + 1, peerSeq: (peer?.seq ?? 0) + 1, row: counters.row + 1 };
    transaction.put('peers', { chat: message.chat, seq: numbers.peerSeq });
    transaction.putSetting('counters', { ...counters, sendSeq: numbers.seq, row: numbers.row });
    return numbers;
  }

  #transmit({ seq, peerSeq, message }: OutboxRecord): void {
    if (!this.#isOpen) return;
    this.#sentHere.add(message.id);
    this.#send({ type: 'send', seq, peerSeq, message });
  }
}
