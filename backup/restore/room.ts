import { WharfError } from '../../common/errors.ts';
import type { Space } from '../../common/space.ts';

/** What a session path of which less than this share is left free should not be filled to: sessions write all the time, and one that cannot loses what it writes. */
const LEFT_FREE = 0.1;
/** Files take whole blocks: some hundreds of small ones in a profile of 30 MB take 5 % more than their bytes. */
const ROUNDED_UP = 1.05;

/** A restore, and the room for it on the session path. */
export interface RoomFacts {
  /** Bytes of profiles to write: they lie beside those that are there, which stay in the trash for 7 days. */
  bytes: number;
  /** Bytes that other restores are still about to write. */
  promised: number;
  space: Pick<Space, 'free' | 'total'>;
}

/** Bytes free for a restore, what others are about to write left out; null where the file system does not tell. Pure. */
export function freeFor({ promised, space }: Pick<RoomFacts, 'promised' | 'space'>): number | null {
  return space.total === 0 ? null : Math.max(0, Math.floor(space.free - promised * ROUNDED_UP));
}

/** What whoever asks for a restore should know of the room for it; null where there is enough, or the file system does not tell. Pure. */
export function roomWarning(facts: RoomFacts): string | null {
  const free = freeFor(facts);
  const { bytes, space } = facts;
  if (free === null || bytes === 0) return null;
  if (!fits(bytes, free))
    return `It does not fit: ${inWords(bytes)} are to be written to the session path, and ${inWords(free)} of ${inWords(space.total)} are free there. It is not begun, forced or not. ${WAYS}`;
  const left = free - bytes * ROUNDED_UP;
  if (left >= space.total * LEFT_FREE) return null;
  return `Of the session path's ${inWords(space.total)}, ${inWords(free)} are free, and ${inWords(left)} are left after it: less than a tenth. What is there now stays in the trash for 7 days. A session path that is full ends sessions that are not restored, too.`;
}

/**
 * Throws where a restore does not fit. Pure.
 *
 * @param path the session path
 * @throws WharfError `storage_full`
 */
export function requireRoom(path: string, bytes: number, free: number | null): void {
  if (free === null || bytes === 0 || fits(bytes, free)) return;
  throw new WharfError(
    'storage_full',
    `The restore is not begun, since it does not fit: it writes ${inWords(bytes)} to the session path ${path}, and ${inWords(free)} are free there. ${WAYS}`,
  );
}

const WAYS =
  'Enlarge the file system, or make room on it; or restore a workspace or a session at a time, those that matter most first.';

function fits(bytes: number, free: number): boolean {
  return bytes * ROUNDED_UP <= free;
}

function inWords(bytes: number): string {
  const gigabytes = bytes / 1e9;
  if (gigabytes >= 0.1) return `${gigabytes.toFixed(gigabytes < 100 ? 1 : 0)} GB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
