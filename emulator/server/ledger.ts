import type { Clock } from '../../common/clock.ts';
import type { WireId } from '../protocol/chats.ts';
import type { DeviceId } from '../protocol/frames.ts';
import type { AckLevel, Content } from '../protocol/messages.ts';

/** One arrival of a `send` frame at the server. */
export interface Attempt {
  time: number;
  device: DeviceId;
  connection: number;
  seq: number;
}

/** A message an account's device has sent: recorded once for each id, with every attempt. Times are milliseconds since 1970. */
export interface SentRecord {
  /** From 1, in order of the first arrival. */
  position: number;
  id: string;
  phone: string;
  /** The device that sent it first. */
  device: DeviceId;
  chat: WireId;
  content: Content;
  seq: number;
  peerSeq: number;
  attempts: Attempt[];
  ack: AckLevel;
  /** When each level was reached, by level. */
  ackTimes: Partial<Record<AckLevel, number>>;
  /** Why it failed. */
  reason: string | undefined;
  /** The highest level the sender has been told. */
  told: AckLevel;
}

/** What became of a message on its way to one device. */
export interface DeliveryRecord {
  /** From 1, in order of queueing. */
  position: number;
  id: string;
  phone: string;
  device: DeviceId;
  from: WireId;
  chat: WireId;
  type: string;
  seq: number;
  queuedAt: number;
  /** How often it was written to a socket. */
  sends: number;
  /** When and how the device acknowledged it; undefined until then. */
  ackedAt: number | undefined;
  result: 'stored' | 'duplicate' | 'unreadable' | undefined;
  seenAt: number | undefined;
}

/** Every message that went through: the truth that tests count loss and duplicates by. */
export class Ledger {
  readonly sent: SentRecord[] = [];
  readonly deliveries: DeliveryRecord[] = [];
  readonly #sentById = new Map<string, SentRecord>();
  readonly #deliveryBySeq = new Map<string, DeliveryRecord>();
  readonly #deliveriesById = new Map<string, DeliveryRecord[]>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The record of a message this account has sent before. */
  find(phone: string, id: string): SentRecord | undefined {
    return this.#sentById.get(`${phone}/${id}`);
  }

  /** By id alone. */
  findAny(id: string): SentRecord | undefined {
    return this.sent.find((record) => record.id === id);
  }

  record(
    sent: Omit<SentRecord, 'position' | 'attempts' | 'ack' | 'ackTimes' | 'reason' | 'told'>,
  ): SentRecord {
    const record: SentRecord = {
      ...sent,
      position: (this.sent.at(-1)?.position ?? 0) + 1,
      attempts: [],
      ack: 0,
      ackTimes: {},
      reason: undefined,
      told: 0,
    };
    this.restore(record);
    return record;
  }

  /** Takes a record back that was saved. */
  restore(record: SentRecord): void {
    this.sent.push(record);
    this.#sentById.set(`${record.phone}/${record.id}`, record);
  }

  /** Raises the ack; false when it was that high already. -1 is taken only from 0. */
  raise(record: SentRecord, ack: AckLevel): boolean {
    const rises = ack === -1 ? record.ack === 0 : ack > record.ack;
    if (!rises) return false;
    record.ack = ack;
    record.ackTimes[ack] = this.#clock.now();
    return true;
  }

  queued(
    delivery: Omit<DeliveryRecord, 'position' | 'queuedAt' | 'sends' | 'ackedAt' | 'result' | 'seenAt'>,
  ): void {
    const record: DeliveryRecord = {
      ...delivery,
      position: (this.deliveries.at(-1)?.position ?? 0) + 1,
      queuedAt: this.#clock.now(),
      sends: 0,
      ackedAt: undefined,
      result: undefined,
      seenAt: undefined,
    };
    this.deliveries.push(record);
    this.#deliveryBySeq.set(`${delivery.device}/${delivery.seq}`, record);
    const key = `${delivery.phone}/${delivery.id}`;
    const others = this.#deliveriesById.get(key);
    if (others === undefined) this.#deliveriesById.set(key, [record]);
    else others.push(record);
  }

  /** The user of an account has read a message. */
  seen(phone: string, id: string): void {
    for (const record of this.#deliveriesById.get(`${phone}/${id}`) ?? [])
      record.seenAt ??= this.#clock.now();
  }

  delivery(device: DeviceId, seq: number): DeliveryRecord | undefined {
    return this.#deliveryBySeq.get(`${device}/${seq}`);
  }

  clear(): void {
    this.sent.length = 0;
    this.deliveries.length = 0;
    this.#sentById.clear();
    this.#deliveryBySeq.clear();
    this.#deliveriesById.clear();
  }
}
