import { randomBytes } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { withDeadline } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { RegisterFrame } from '../protocol/frames.ts';
import type { RequestCodeResult } from '../protocol/queries.ts';
import type { LiveConnection } from './connections.ts';
import type { Directory } from './directory.ts';
import type { Faults } from './faults.ts';
import { newPairingCode, PHONE_PATTERN } from './ids.ts';
import type { Journal } from './journal.ts';
import type { Account, Device } from './model.ts';
import type { Timers } from './timers.ts';

/** How long refs hold when the faults say nothing: WhatsApp's own times, milliseconds. */
const FIRST_REF_TTL = 60_000;
const REF_TTL = 20_000;
/** How long the phone waits for the page to store its credentials, milliseconds. */
const PAIRED_DEADLINE = 15_000;

/** A page that waits to be linked. */
export interface Waiting {
  readonly connection: LiveConnection;
  readonly register: RegisterFrame;
  /** The ref shown now; undefined when they ran out. */
  ref: string | undefined;
  refExpiresAt: number;
  remaining: number;
  code: { code: string; phone: string; expiresAt: number } | undefined;
  stopTimer: () => void;
  /** The device made for it, from scan to `paired`. */
  pairing: { account: Account; device: Device; done: () => void; failed: (error: Error) => void } | undefined;
}

/** What the linking needs. */
export interface LinkingParts {
  clock: Clock;
  journal: Journal;
  faults: Faults;
  timers: Timers;
  directory: Directory;
}

/** Links devices: hands refs and codes to pages, and lets phones take them. */
export class Linking {
  readonly waiting = new Set<Waiting>();
  readonly #parts: LinkingParts;

  constructor(parts: LinkingParts) {
    this.#parts = parts;
  }

  /** A page asks to be linked: it gets refs. */
  register(connection: LiveConnection, frame: RegisterFrame): Waiting {
    const waiting: Waiting = {
      connection,
      register: frame,
      ref: undefined,
      refExpiresAt: 0,
      remaining: 0,
      code: undefined,
      stopTimer: () => {},
      pairing: undefined,
    };
    this.waiting.add(waiting);
    this.#parts.journal.add('register', {
      connection: connection.record.id,
      page_id: frame.pageId,
      platform: frame.platform,
    });
    this.refresh(waiting);
    return waiting;
  }

  /** Begins a new series of refs. */
  refresh(waiting: Waiting): void {
    if (waiting.pairing !== undefined) return;
    waiting.stopTimer();
    waiting.remaining = this.#parts.faults.all.qr_refs;
    this.#nextRef(waiting, true);
  }

  requestCode(waiting: Waiting, phone: string): RequestCodeResult | undefined {
    if (!PHONE_PATTERN.test(phone) || !this.#parts.directory.exists(phone).exists) return undefined;
    const ttlMs = this.#parts.faults.all.code_ttl_ms;
    const code = newPairingCode();
    waiting.code = { code, phone, expiresAt: this.#parts.clock.now() + ttlMs };
    this.#parts.journal.add('code', { connection: waiting.connection.record.id, phone });
    return { code, ttlMs };
  }

  /**
   * A phone scans a QR. Resolves when the page has stored its credentials.
   *
   * @throws WharfError `invalid_request` for a QR that is not the waiting page's, `invalid_state` for one that has expired or a phone
   * with all its devices linked, `timeout` when the page does not confirm
   */
  scan(qr: string, phone: string, name: string | undefined): Promise<Device> {
    const parts = qr.split(',');
    const [ref, noisePub, identityPub, advSecret, platform] = parts;
    if (parts.length !== 5 || ref === undefined) {
      throw fault(
        'qr',
        `has ${parts.length} fields, not the 5 of ref,noisePub,identityPub,advSecret,platform`,
      );
    }
    const waiting = [...this.waiting].find((candidate) => candidate.ref === ref);
    if (waiting === undefined) {
      throw new WharfError(
        'invalid_state',
        'The QR has expired or is of no page that waits here: scan the one shown now.',
      );
    }
    const { register } = waiting;
    const wrong = [
      noisePub === register.noisePub ? undefined : 'the noise key',
      identityPub === register.identityPub ? undefined : 'the identity key',
      advSecret === register.advSecret ? undefined : 'the adv secret',
      platform === register.platform ? undefined : 'the platform',
    ].filter((field) => field !== undefined);
    if (wrong.length > 0)
      throw fault('qr', `${wrong.join(', ')} in it differ from what the page has registered`);
    return this.#pair(waiting, phone, name);
  }

  /**
   * A phone enters a pairing code.
   *
   * @param phone the phone it is entered on; default: the one the code was asked for
   * @throws WharfError as {@link scan}
   */
  enterCode(code: string, phone: string | undefined, name: string | undefined): Promise<Device> {
    const wanted = code.replaceAll(/[\s-]/g, '').toUpperCase();
    const waiting = [...this.waiting].find((candidate) => candidate.code?.code === wanted);
    const asked = waiting?.code;
    if (waiting === undefined || asked === undefined || asked.expiresAt <= this.#parts.clock.now()) {
      throw new WharfError(
        'invalid_state',
        'The code has expired or is of no page that waits here: ask for a new one.',
      );
    }
    if (phone !== undefined && phone !== asked.phone) {
      throw fault('phone', `the code was asked for ${asked.phone}: it can only be entered there`);
    }
    return this.#pair(waiting, asked.phone, name);
  }

  /** The page has stored its credentials. */
  paired(waiting: Waiting): boolean {
    const { pairing } = waiting;
    if (pairing === undefined) return false;
    pairing.device.confirmed = true;
    this.#parts.journal.add('paired', {
      phone: pairing.account.phone,
      device: pairing.device.id,
      connection: waiting.connection.record.id,
    });
    this.waiting.delete(waiting);
    pairing.done();
    return true;
  }

  /** The page's connection has ended. */
  gone(waiting: Waiting): void {
    waiting.stopTimer();
    this.waiting.delete(waiting);
    if (waiting.pairing === undefined || waiting.pairing.device.confirmed) return;
    const { account, device, failed } = waiting.pairing;
    // It stays known: the page may have stored the credentials and died before it could say so, and then logs in.
    this.#parts.journal.add('pair_abandoned', { phone: account.phone, device: device.id });
    failed(
      new WharfError(
        'invalid_state',
        `The page went away before it had stored the credentials of ${device.id}.`,
      ),
    );
  }

  #nextRef(waiting: Waiting, first: boolean): void {
    const { journal, timers, faults, clock } = this.#parts;
    const connection = waiting.connection.record.id;
    if (waiting.remaining === 0) {
      waiting.ref = undefined;
      journal.add('refs_expired', { connection });
      waiting.connection.send({ type: 'refs_expired' });
      return;
    }
    waiting.remaining -= 1;
    const ttlMs = faults.all.qr_ttl_ms ?? (first ? FIRST_REF_TTL : REF_TTL);
    waiting.ref = `2@${randomBytes(64).toString('base64')}`;
    waiting.refExpiresAt = clock.now() + ttlMs;
    journal.add('ref', { connection, ttl_ms: ttlMs, remaining: waiting.remaining });
    waiting.connection.send({ type: 'ref', ref: waiting.ref, ttlMs, remaining: waiting.remaining });
    waiting.stopTimer = timers.after(ttlMs, () => this.#nextRef(waiting, false));
  }

  #pair(waiting: Waiting, phone: string, name: string | undefined): Promise<Device> {
    const { directory, faults, journal } = this.#parts;
    if (!directory.exists(phone).exists)
      throw fault('phone', `${phone} is not on WhatsApp: 7-15 digits, not beginning with 000`);
    if (waiting.pairing !== undefined)
      throw new WharfError('invalid_state', 'The page is being linked already.');
    const account = directory.accountFor(phone, name);
    for (const device of account.devices.values()) if (!device.confirmed) account.devices.delete(device.id);
    const most = faults.all.max_devices;
    if (account.devices.size >= most) {
      throw new WharfError(
        'invalid_state',
        `${phone} has ${most} linked devices, which is the most: remove one first.`,
      );
    }
    const { register, connection } = waiting;
    const device = directory.addDevice(account, {
      name: register.name ?? register.platform,
      platform: register.platform,
      keys: register.keys,
    });
    waiting.stopTimer();
    waiting.ref = undefined;
    waiting.code = undefined;
    const confirmed = new Promise<Device>((resolve, reject) => {
      waiting.pairing = { account, device, done: () => resolve(device), failed: reject };
    });
    journal.add('pair', { phone, device: device.id, connection: connection.record.id });
    connection.send({
      type: 'pair',
      credentials: { device: device.id, secret: device.secret },
      me: { wid: account.wid, lid: account.lid, pushname: account.pushname },
    });
    const late = () =>
      new WharfError(
        'timeout',
        `The page did not store the credentials of ${device.id} within ${PAIRED_DEADLINE} ms.`,
      );
    return withDeadline(confirmed, PAIRED_DEADLINE, late);
  }
}

function fault(path: string, message: string): WharfError {
  return new WharfError('invalid_request', `${path}: ${message}`, { faults: [{ path, message }] });
}
