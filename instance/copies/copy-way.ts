import type { SessionStatus } from '../../fleet/records.ts';
import type { Round } from './profile-reading.ts';

/** What decides how a session is copied. */
export interface CopyFacts {
  linked: boolean;
  status: SessionStatus;
  /** See `Session.isAtRest`. */
  isAtRest: boolean;
  hasBrowser: boolean;
}

/**
 * `record`: its record alone, since without a link its profile is worth nothing. `rest`: its files, which nobody writes. `live`: its files, its browser frozen for a moment.
 * `wait`: it starts, closes or is taken over; how it comes out is seen soon.
 */
export type CopyWay = 'record' | 'rest' | 'live' | 'wait';

/** How a session is to be copied now. Pure. */
export function wayToCopy({ linked, status, isAtRest, hasBrowser }: CopyFacts): CopyWay {
  const hasPage = hasBrowser && status !== 'starting';
  if (!linked) return isAtRest || hasPage ? 'record' : 'wait';
  if (isAtRest) return 'rest';
  return hasBrowser && (status === 'ready' || status === 'authenticated') ? 'live' : 'wait';
}

/** What a round may find for the browser to be frozen after it: about as much is found again then. */
const LITTLE_BYTES = 2 * 1024 * 1024;
const LITTLE_FILES = 50;

/** Whether so little has changed since the round before that the browser may be frozen for the rest. Pure. */
export function isLittle({ changed, bytes }: Round): boolean {
  return changed <= LITTLE_FILES && bytes <= LITTLE_BYTES;
}
