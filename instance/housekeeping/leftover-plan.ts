import { timeOfRestore } from '../../fleet/backup/restore-ids.ts';
import { parseSessionDirectory } from '../../fleet/session-paths.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/** As long as the trash is kept: what a restore replaced is gone then, and nothing of the restore can be gone on with or undone. */
const RESTORE_KEPT = 7 * DAY;
/** A probe lives for some seconds. */
const PROBE_KEPT = HOUR;
/** A draft is there for as long as one write takes; hours where the storage hangs. */
const DRAFT_KEPT = DAY;
/** A copy for a backup lies for ten minutes after it was last asked for. */
const COPY_KEPT = DAY;

/** Something in a directory. */
export interface Entry {
  name: string;
  kind: 'file' | 'directory' | 'other';
  /** When it was changed last, milliseconds since 1970. */
  changed: number;
}

/** What processes leave behind that are killed; the label of a metric. */
export type LeftoverKind = 'probe' | 'draft' | 'restore' | 'copy' | 'sandbox';

/** `.probe-instance-1-1a2b3c4d`, `.probe-1a2b3c4d5e6f`: what looks whether the storage can be written to */
const PROBE = /^\.probe-(instance-\d{1,6}-)?[0-9a-f]{8,12}$/;
/** `.session.json.4711.1a2b3c4d5e6f.tmp`: a file on its way to get its name (`common/files.ts`) */
const DRAFT = /^\..+\.\d{1,10}\.[0-9a-f]{12}\.tmp$/;
/** `copies-instance-1-1a2b3c4d5e6f`: an instance's scratch directory */
const COPIES = /^copies-instance-\d{1,6}-[0-9a-f]{12}$/;
const COPY = /^[0-9a-f]{24}$/;
const SANDBOX = /^wharf-sandbox-[A-Za-z0-9]{6}$/;

/** The probes among what lies directly in the session path that are nobody's any more. Pure, as all here; names that Wharf did not give are left alone. */
export function oldProbes(entries: readonly Entry[], now: number): string[] {
  return entries
    .filter((entry) => entry.kind === 'file' && PROBE.test(entry.name) && isOlder(entry, PROBE_KEPT, now))
    .map(({ name }) => name);
}

/** The drafts in a directory that never got their name. */
export function oldDrafts(entries: readonly Entry[], now: number): string[] {
  return entries
    .filter((entry) => entry.kind === 'file' && DRAFT.test(entry.name) && isOlder(entry, DRAFT_KEPT, now))
    .map(({ name }) => name);
}

/** A prepared restore in a workspace's `restores/`, and which restore it belongs to. */
export interface OldRestore {
  name: string;
  restore: string;
}

/**
 * What lies in a workspace's `restores/` though its restore ended long ago, or was never ended: by the time in the restore's own name, and by that of the last change. Half-removed ones are
 * among them (`removeWhole` in `common/files.ts`).
 */
export function oldRestores(entries: readonly Entry[], now: number): OldRestore[] {
  return entries.flatMap((entry) => {
    const [restore = '', ...rest] = entry.name.split('.');
    const [directory = '', removed, ...more] = rest;
    const begun = timeOfRestore(restore);
    const isOurs =
      entry.kind === 'directory' &&
      begun !== null &&
      parseSessionDirectory(directory) !== null &&
      (removed === undefined || removed === 'removed') &&
      more.length === 0;
    const isOld = isOurs && now - begun > RESTORE_KEPT && isOlder(entry, RESTORE_KEPT, now);
    return isOld ? [{ name: entry.name, restore }] : [];
  });
}

/** The directories in the scratch directory that hold instances' copies. */
export function copyRooms(entries: readonly Entry[]): string[] {
  return entries
    .filter(({ kind, name }) => kind === 'directory' && COPIES.test(name))
    .map(({ name }) => name);
}

/** The copies in one of them that are nobody's any more. */
export function oldCopies(entries: readonly Entry[], now: number): string[] {
  return entries
    .filter((entry) => entry.kind === 'directory' && COPY.test(entry.name) && isOlder(entry, COPY_KEPT, now))
    .map(({ name }) => name);
}

/** The profiles in the system's temporary directory that Chromium's sandbox was tried out with, by processes that were killed. */
export function oldSandboxes(entries: readonly Entry[], now: number): string[] {
  return entries
    .filter((entry) => entry.kind === 'directory' && SANDBOX.test(entry.name) && isOlder(entry, DAY, now))
    .map(({ name }) => name);
}

function isOlder({ changed }: Entry, kept: number, now: number): boolean {
  return now - changed > kept;
}
