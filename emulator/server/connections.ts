import type { Clock } from '../../common/clock.ts';
import type { DeviceId, ServerFrame } from '../protocol/frames.ts';
import { phoneOfDevice } from './ids.ts';
import type { Journal } from './journal.ts';

/** Why a connection ended. */
export type DisconnectReason =
  | 'closed_by_device'
  | 'replaced'
  | 'logged_out'
  | 'refused'
  | 'dropped_by_fault'
  | 'no_answer_to_pings'
  | 'server_closing';

/** One WebSocket of a device, from its opening on. Kept after its end, as a record. Times: wall clock in ms, and monotonic in ms. */
export interface ConnectionRecord {
  /** From 1, rising. */
  readonly id: number;
  /** Names the socket on the browser's side: with `/proc/net/tcp` it leads to the process. */
  readonly remotePort: number;
  readonly connectedAt: number;
  readonly connectedMono: number;
  pageId: string | undefined;
  device: DeviceId | undefined;
  loggedInAt: number | undefined;
  loggedInMono: number | undefined;
  disconnectedAt: number | undefined;
  disconnectedMono: number | undefined;
  reason: DisconnectReason | undefined;
}

/** A connection that is open now. */
export interface LiveConnection {
  readonly record: ConnectionRecord;
  /** It has had `sync_done`: deliveries go straight to it. */
  synced: boolean;
  send(frame: ServerFrame): void;
  /** Ends it; `code` tells the device why (protocol/frames.ts). */
  close(reason: DisconnectReason, code: number): void;
  /** Cuts it without a word. */
  drop(reason: DisconnectReason): void;
}

/** Two connections of one device that were logged in at the same time. */
export interface Overlap {
  device: DeviceId;
  first: number;
  second: number;
  /** True when one page made both (a reconnect, not two browsers). */
  samePage: boolean;
  startedAt: number;
  /** null while it lasts. */
  endedAt: number | null;
  milliseconds: number;
}

/** Who is and who was connected, exactly when. */
export class Connections {
  readonly records: ConnectionRecord[] = [];
  /** Logged in now, newest last; more than one only within `conflict_grace_ms`. */
  readonly #byDevice = new Map<DeviceId, LiveConnection[]>();
  readonly #open = new Set<LiveConnection>();
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #kept: number;
  #lastId = 0;

  /** @param kept how many records of ended connections are kept */
  constructor(clock: Clock, journal: Journal, kept: number) {
    this.#clock = clock;
    this.#journal = journal;
    this.#kept = kept;
  }

  opened(remotePort: number): ConnectionRecord {
    this.#lastId += 1;
    const record: ConnectionRecord = {
      id: this.#lastId,
      remotePort,
      connectedAt: this.#clock.now(),
      connectedMono: this.#clock.monotonic(),
      pageId: undefined,
      device: undefined,
      loggedInAt: undefined,
      loggedInMono: undefined,
      disconnectedAt: undefined,
      disconnectedMono: undefined,
      reason: undefined,
    };
    this.records.push(record);
    if (this.records.length > this.#kept * 2) this.#forgetOld();
    this.#journal.add('connect', { connection: record.id, remote_port: remotePort });
    return record;
  }

  attach(connection: LiveConnection): void {
    this.#open.add(connection);
  }

  /** Notes a login; the device's connections before it are returned, for the caller to end. */
  loggedIn(connection: LiveConnection, device: DeviceId): LiveConnection[] {
    const before = this.#byDevice.get(device) ?? [];
    this.#byDevice.set(device, [...before, connection]);
    connection.record.device = device;
    connection.record.loggedInAt = this.#clock.now();
    connection.record.loggedInMono = this.#clock.monotonic();
    return before;
  }

  ended(connection: LiveConnection, reason: DisconnectReason): void {
    const { record } = connection;
    if (record.disconnectedAt !== undefined) return;
    record.disconnectedAt = this.#clock.now();
    record.disconnectedMono = this.#clock.monotonic();
    record.reason = reason;
    this.#open.delete(connection);
    if (record.device !== undefined) {
      const left = (this.#byDevice.get(record.device) ?? []).filter((other) => other !== connection);
      if (left.length > 0) this.#byDevice.set(record.device, left);
      else this.#byDevice.delete(record.device);
    }
    this.#journal.add('disconnect', {
      connection: record.id,
      reason,
      connected_ms: Math.round(record.disconnectedMono - record.connectedMono),
      ...(record.device === undefined ? {} : { device: record.device, phone: phoneOfDevice(record.device) }),
      ...(record.pageId === undefined ? {} : { page_id: record.pageId }),
    });
  }

  /** The connection deliveries to a device go to: its newest. */
  of(device: DeviceId): LiveConnection | undefined {
    return this.#byDevice.get(device)?.at(-1);
  }

  /** All logged-in connections of a device. */
  allOf(device: DeviceId): readonly LiveConnection[] {
    return this.#byDevice.get(device) ?? [];
  }

  /** All open connections, logged in or not. */
  open(): LiveConnection[] {
    return [...this.#open];
  }

  /** Every time two connections of one device were logged in together, in order of their beginning. */
  overlaps(): Overlap[] {
    const byDevice = new Map<DeviceId, ConnectionRecord[]>();
    for (const record of this.records) {
      if (record.device === undefined || record.loggedInMono === undefined) continue;
      byDevice.set(record.device, [...(byDevice.get(record.device) ?? []), record]);
    }
    return [...byDevice.values()].flatMap((records) => this.#overlapsOf(records));
  }

  #overlapsOf(records: ConnectionRecord[]): Overlap[] {
    const found: Overlap[] = [];
    const now = this.#clock.monotonic();
    records.forEach((second, index) => {
      const { loggedInMono: start = 0, loggedInAt = 0, device = '' } = second;
      for (const first of records.slice(0, index)) {
        const firstEnd = first.disconnectedMono ?? now;
        if (firstEnd <= start) continue;
        const end = Math.min(firstEnd, second.disconnectedMono ?? now);
        const over = first.disconnectedMono !== undefined || second.disconnectedMono !== undefined;
        found.push({
          device,
          first: first.id,
          second: second.id,
          samePage: first.pageId === second.pageId,
          startedAt: loggedInAt,
          endedAt: over ? loggedInAt + (end - start) : null,
          milliseconds: end - start,
        });
      }
    });
    return found;
  }

  #forgetOld(): void {
    const ended = this.records.filter((record) => record.disconnectedAt !== undefined);
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - this.#kept)));
    const left = this.records.filter((record) => !forgotten.has(record));
    this.records.splice(0, this.records.length, ...left);
  }
}
