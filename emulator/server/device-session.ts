import type { DeviceFrame, LoginFrame } from '../protocol/frames.ts';
import type { Connections, LiveConnection } from './connections.ts';
import type { Directory } from './directory.ts';
import type { Faults } from './faults.ts';
import { parseFrame } from './frames.ts';
import type { Groups } from './groups.ts';
import { historyFrames } from './history.ts';
import type { Journal } from './journal.ts';
import { addKeys } from './keys.ts';
import type { Linking, Waiting } from './linking.ts';
import type { Messenger } from './messenger.ts';
import type { Account, Device } from './model.ts';
import type { Post } from './post.ts';
import { answerQuery } from './queries.ts';
import { sameText } from './secrets.ts';
import { rewind } from './sequence.ts';
import type { Timers } from './timers.ts';

/** Close codes of protocol/frames.ts. */
const CLOSE_WRONG_FRAME = 4400;
const CLOSE_LOGGED_OUT = 4401;
const CLOSE_REPLACED = 4409;

/** What a device's session needs. */
export interface SessionParts {
  journal: Journal;
  faults: Faults;
  timers: Timers;
  connections: Connections;
  directory: Directory;
  linking: Linking;
  messenger: Messenger;
  groups: Groups;
  post: Post;
  /** Something worth saving has changed. */
  changed: () => void;
  now: () => number;
}

/**
 * One connection's side of the protocol:
 *
 *     new --register--> waiting --paired--> finished (the device comes back to log in)
 *     new --login--> syncing --(history stored, delay over, queue sent)--> live
 *     any --wrong frame, removed, replaced, closed--> finished
 */
export class DeviceSession {
  readonly #parts: SessionParts;
  readonly #connection: LiveConnection;
  #waiting: Waiting | undefined;
  #linked: { account: Account; device: Device } | undefined;
  #stopTimers: (() => void)[] = [];

  constructor(parts: SessionParts, connection: LiveConnection) {
    this.#parts = parts;
    this.#connection = connection;
  }

  /** One frame has arrived, as text. */
  receive(data: string): void {
    if (this.#connection.record.disconnectedAt !== undefined) return;
    const parsed = parseFrame(data);
    const fault = 'fault' in parsed ? parsed.fault : this.#handle(parsed.frame);
    if (fault !== undefined) this.#refuse(fault);
    else this.#parts.changed();
  }

  /** The connection has ended. */
  ended(): void {
    for (const stop of this.#stopTimers) stop();
    if (this.#waiting !== undefined) this.#parts.linking.gone(this.#waiting);
    if (this.#linked !== undefined) this.#linked.device.lastSeen = this.#parts.now();
  }

  /** @returns what is wrong with the frame here, or undefined */
  #handle(frame: DeviceFrame): string | undefined {
    if (frame.type === 'register' || frame.type === 'login') {
      if (this.#waiting !== undefined || this.#linked !== undefined)
        return `${frame.type} must be the first frame`;
      this.#connection.record.pageId = frame.pageId;
      if (frame.type === 'register') this.#waiting = this.#parts.linking.register(this.#connection, frame);
      else this.#login(frame);
      return undefined;
    }
    if (this.#linked !== undefined)
      return this.#handleLinked(frame, this.#linked.account, this.#linked.device);
    if (this.#waiting !== undefined) return this.#handleWaiting(frame, this.#waiting);
    return 'the first frame must be register or login';
  }

  #handleWaiting(frame: DeviceFrame, waiting: Waiting): string | undefined {
    if (frame.type === 'refresh_refs') {
      this.#parts.linking.refresh(waiting);
      return undefined;
    }
    if (frame.type === 'paired')
      return this.#parts.linking.paired(waiting) ? undefined : 'paired without a pair before it';
    if (frame.type === 'query' && frame.query.name === 'request_code') {
      const result = this.#parts.linking.requestCode(waiting, frame.query.phone);
      const { queryId } = frame;
      if (result !== undefined) this.#connection.send({ type: 'answer', queryId, ok: true, result });
      else
        this.#connection.send({
          type: 'answer',
          queryId,
          ok: false,
          reason: 'the number is not on WhatsApp',
        });
      return undefined;
    }
    return `${frame.type} needs a login before it`;
  }

  #handleLinked(frame: DeviceFrame, account: Account, device: Device): string | undefined {
    const { messenger, journal, directory, groups } = this.#parts;
    switch (frame.type) {
      case 'history_stored':
        if (device.historyStored) return undefined;
        device.historyStored = true;
        this.#sync(device);
        return undefined;
      case 'ack':
        messenger.acknowledged(account, device, frame);
        return undefined;
      case 'send':
        messenger.send(account, device, this.#connection, frame);
        return undefined;
      case 'keys':
        addKeys(device, frame.keys);
        journal.add('keys', {
          phone: account.phone,
          device: device.id,
          added: frame.keys.length,
          left: device.keys.length,
        });
        return undefined;
      case 'seen':
        messenger.seen(account, device, frame);
        return undefined;
      case 'query': {
        const answer = answerQuery(directory, groups, account, frame.query);
        const { queryId } = frame;
        journal.add('query', { phone: account.phone, device: device.id, name: frame.query.name });
        if ('result' in answer)
          this.#connection.send({ type: 'answer', queryId, ok: true, result: answer.result });
        else this.#connection.send({ type: 'answer', queryId, ok: false, reason: answer.refused });
        return undefined;
      }
      case 'logout':
        account.devices.delete(device.id);
        journal.add('logout', {
          phone: account.phone,
          device: device.id,
          connection: this.#connection.record.id,
        });
        this.#connection.close('logged_out', CLOSE_LOGGED_OUT);
        return undefined;
      default:
        return `${frame.type} does not come after a login`;
    }
  }

  #login(frame: LoginFrame): void {
    const { directory, journal, faults, timers } = this.#parts;
    const found = directory.device(frame.credentials.device);
    const connection = this.#connection.record.id;
    if (found === undefined || !sameText(found.device.secret, frame.credentials.secret)) {
      const reason = found === undefined ? 'unknown_device' : 'bad_secret';
      journal.add('login_refused', {
        connection,
        device: frame.credentials.device,
        reason,
        page_id: frame.pageId,
      });
      this.#connection.send({ type: 'logged_out', reason, order: faults.all.logout_order });
      this.#connection.close('logged_out', CLOSE_LOGGED_OUT);
      return;
    }
    const { account, device } = found;
    this.#linked = found;
    device.confirmed = true;
    device.logins += 1;
    this.#replaceOthers(account, device);
    journal.add('login', {
      phone: account.phone,
      device: device.id,
      connection,
      page_id: frame.pageId,
      delivery_seq: frame.deliverySeq,
      send_seq: frame.sendSeq,
      queued: device.mailbox.size,
    });
    this.#checkSequences(account, device, frame);
    this.#connection.send({
      type: 'welcome',
      me: { wid: account.wid, lid: account.lid, pushname: account.pushname },
      serverTime: this.#parts.now(),
      offline: device.mailbox.size,
      keysLeft: device.keys.length,
    });
    const drop = faults.of(account.phone).drop_sockets_every_ms;
    if (drop !== null)
      this.#stopTimers.push(timers.after(drop, () => this.#connection.drop('dropped_by_fault')));
    if (device.historyStored) this.#sync(device);
    else for (const history of historyFrames(account, directory.groups)) this.#connection.send(history);
  }

  /** After the configured delay: all that is queued, then `sync_done`. */
  #sync(device: Device): void {
    const { faults, timers, post, journal } = this.#parts;
    const account = this.#linked?.account;
    if (account === undefined) return;
    const finish = () => {
      const offline = post.flush(device, this.#connection);
      this.#connection.synced = true;
      this.#connection.send({ type: 'sync_done' });
      journal.add('synced', {
        phone: account.phone,
        device: device.id,
        connection: this.#connection.record.id,
        offline,
      });
    };
    this.#stopTimers.push(timers.after(faults.of(account.phone).sync_delay_ms, finish));
  }

  #replaceOthers(account: Account, device: Device): void {
    const { connections, journal, faults, timers } = this.#parts;
    const others = connections.loggedIn(this.#connection, device.id);
    if (others.length === 0) return;
    const grace = faults.of(account.phone).conflict_grace_ms;
    for (const other of others) {
      device.conflicts += 1;
      journal.add('conflict', {
        phone: account.phone,
        device: device.id,
        connection: other.record.id,
        by_connection: this.#connection.record.id,
        same_page: other.record.pageId === this.#connection.record.pageId,
      });
      const replace = () => {
        other.send({ type: 'conflict' });
        other.close('replaced', CLOSE_REPLACED);
      };
      timers.after(grace, replace);
    }
  }

  /** A device that has stored or sent less than the server knows of runs on an older copy of its profile. Noted once; from then on counted from there. */
  #checkSequences(account: Account, device: Device, frame: LoginFrame): void {
    const note = (kind: string, seen: number, got: number) => {
      device.rollbacks += 1;
      const connection = this.#connection.record.id;
      this.#parts.journal.add('rollback', {
        phone: account.phone,
        device: device.id,
        connection,
        kind,
        seen,
        got,
      });
    };
    if (frame.deliverySeq < device.ackedSeq) {
      note('delivery', device.ackedSeq, frame.deliverySeq);
      device.ackedSeq = frame.deliverySeq;
    }
    const sent = device.sendSequence.highest;
    if (frame.sendSeq < sent) {
      note('send', sent, frame.sendSeq);
      rewind(device.sendSequence, frame.sendSeq);
    }
  }

  #refuse(reason: string): void {
    this.#parts.journal.add('frame_refused', { connection: this.#connection.record.id, reason });
    this.#connection.send({ type: 'refused', reason });
    this.#connection.close('refused', CLOSE_WRONG_FRAME);
  }
}
