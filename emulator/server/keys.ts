import { randomBytes } from 'node:crypto';
import type { Envelope } from '../protocol/frames.ts';
import type { Device } from './model.ts';

/** How a session is named that began without a one-time key, because the device had none left at the server. */
const LAST_RESORT = 'last-resort:';

/** Seals a message of `peer` for a device: in the session there is, or in a new one that uses up the device's oldest one-time key. */
export function seal(
  device: Pick<Device, 'sessions' | 'keys'>,
  peer: string,
): { envelope: Envelope; exhausted: boolean } {
  const known = device.sessions.get(peer);
  if (known !== undefined) {
    known.seq += 1;
    return {
      envelope: { peer, session: known.session, seq: known.seq, first: false, repeat: false },
      exhausted: false,
    };
  }
  const key = device.keys.shift();
  const session = key ?? `${LAST_RESORT}${randomBytes(8).toString('hex')}`;
  device.sessions.set(peer, { session, seq: 1 });
  return { envelope: { peer, session, seq: 1, first: true, repeat: false }, exhausted: key === undefined };
}

/** Adds one-time keys a device has uploaded; ids it uploaded before and that are still unused are not doubled. */
export function addKeys(device: Pick<Device, 'keys'>, keys: readonly string[]): void {
  device.keys = [...new Set([...device.keys, ...keys])];
}
