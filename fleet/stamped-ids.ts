import { randomBytes } from 'node:crypto';
import { stampOf } from './stamps.ts';

/**
 * A new id that sorts by time among those of its kind: `run-20261122T093000Z-1a2b3c`.
 *
 * @param now milliseconds since 1970
 */
export function newStampedId(kind: string, now: number): string {
  return `${kind}-${stampOf(now)}-${randomBytes(3).toString('hex')}`;
}
