import { type LogDamageReason, type LogWalk, walkLog } from './leveldb-log.ts';
import { type ManifestReading, type ManifestState, readManifest } from './leveldb-manifest.ts';

/** The files of one stopped LevelDB database, as far as a repair needs them. */
export interface DatabaseFiles {
  /** Bytes of every regular file, by name. */
  sizes: ReadonlyMap<string, number>;
  /** What CURRENT says, or null if it is not there. */
  current: string | null;
  /** The MANIFEST that CURRENT names, or null if it is not there. */
  manifest: Uint8Array | null;
  /** The `NNNNNN.log` files. */
  logs: ReadonlyMap<string, Uint8Array>;
}

/** A file to be shortened. */
export interface Cut {
  name: string;
  /** Bytes now. */
  from: number;
  /** Bytes to keep. */
  to: number;
  reason: LogDamageReason;
}

/**
 * How bad a fault is. `fatal`: started like this, Chromium throws the database away, or may; take the last good copy.
 * `loss`: it starts, but something that had been written is gone. `note`: nothing is lost.
 */
export type FaultSeverity = 'fatal' | 'loss' | 'note';

export interface DatabaseFault {
  name: string;
  code:
    | 'current_missing'
    | 'current_invalid'
    | 'manifest_missing'
    | 'manifest_damaged'
    | 'manifest_incomplete'
    | 'table_missing'
    | 'table_too_short'
    | 'log_missing'
    | 'records_lost'
    | 'corruption_recorded';
  severity: FaultSeverity;
  detail: string;
}

export interface DatabasePlan {
  cuts: Cut[];
  faults: DatabaseFault[];
}

/** The name of a log, `NNNNNN.log`. */
export const LOG_NAME = /^(\d{1,15})\.log$/;
const TABLE_NAME = /^\d+\.(ldb|sst)$/;
/** Written by Chromium's IndexedDB when it meets corruption; at its next start it deletes the database for it, whole or not (seen with 156). */
const CORRUPTION_NOTE = 'corruption_info.json';
const MANIFEST_NAME = /^MANIFEST-\d+$/;

/** The MANIFEST's name in what CURRENT says, or null if CURRENT is not as LevelDB writes it. */
export function manifestNameOf(current: string): string | null {
  if (!current.endsWith('\n')) return null;
  const name = current.slice(0, -1);
  return MANIFEST_NAME.test(name) ? name : null;
}

/**
 * Decides what to cut so that LevelDB can go on appending, and names what a cut cannot mend. Pure.
 *
 * - A log is cut after its last whole record, always: Chromium deletes a database with a broken log, so the prefix is the best there is.
 *   Whole records behind the damage (an earlier start without repair, or a bad disk) are named as lost.
 * - A MANIFEST is cut only if that undoes an append that never ended: nothing whole follows, and the state before it is complete, with
 *   every table and the log it names present. An edit counts only once it is synced, so this loses nothing. Cut elsewhere, a MANIFEST describes an
 *   older database: Chromium would open it and delete the newer tables as leftovers. Such a one is left as it is, and named.
 */
export function planRepair(files: DatabaseFiles): DatabasePlan {
  const cuts: Cut[] = [];
  const faults: DatabaseFault[] = [];
  const manifest = planManifest(files, cuts, faults);
  planLogs(files, manifest, cuts, faults);
  if (files.sizes.has(CORRUPTION_NOTE)) {
    const detail =
      'Chromium met corruption here and ended before it deleted the database: it will at its next start';
    faults.push({ name: CORRUPTION_NOTE, code: 'corruption_recorded', severity: 'fatal', detail });
  }
  return { cuts, faults };
}

function planManifest(files: DatabaseFiles, cuts: Cut[], faults: DatabaseFault[]): ManifestState | null {
  const fatal = (name: string, code: DatabaseFault['code'], detail: string) => {
    faults.push({ name, code, severity: 'fatal', detail });
    return null;
  };
  if (files.current === null) {
    // A database whose making was cut short has no CURRENT yet, and nothing to lose either.
    if (!holdsData(files)) return null;
    return fatal(
      'CURRENT',
      'current_missing',
      'there are logs or tables, but no CURRENT: Chromium would begin an empty database',
    );
  }
  const name = manifestNameOf(files.current);
  if (name === null) {
    const text = JSON.stringify(files.current.slice(0, 40));
    return fatal(
      'CURRENT',
      'current_invalid',
      `CURRENT says ${text}, not the name of a MANIFEST and a newline`,
    );
  }
  if (files.manifest === null)
    return fatal(name, 'manifest_missing', `CURRENT names ${name}, which is not there`);

  const reading = readManifest(files.manifest);
  const { walk, state } = reading;
  if (reading.undecodable !== null)
    return fatal(name, 'manifest_damaged', `not a VersionEdit: ${reading.undecodable}`);

  const structure = structureFaults(name, reading, files);
  const sound = structure.every((fault) => fault.severity !== 'fatal' && fault.code !== 'log_missing');
  if (walk.damage !== null) {
    const nothingFollows = walk.damage.wholeRecordsAfter === 0 && walk.damage.searchedAll;
    if (!nothingFollows || !sound) {
      fatal(name, 'manifest_damaged', describeManifestDamage(walk, nothingFollows));
    } else {
      cuts.push({ name, from: walk.size, to: walk.wholeLength, reason: walk.damage.reason });
    }
  }
  faults.push(...structure);
  return state;
}

function describeManifestDamage(walk: LogWalk, nothingFollows: boolean): string {
  const what = `${walk.damage?.reason} at ${walk.damage?.offset} of ${walk.size}`;
  return nothingFollows
    ? `${what}, and what stands before it is not a complete database: left as it is`
    : `${what}, with whole records behind it, or perhaps so: cutting there would go back to an older state, so it is left as it is`;
}

function structureFaults(name: string, reading: ManifestReading, files: DatabaseFiles): DatabaseFault[] {
  const { state } = reading;
  const missing = [
    state.logNumber === null ? 'log number' : null,
    state.nextFileNumber === null ? 'next file number' : null,
    state.lastSequence === null ? 'last sequence' : null,
  ].filter((field) => field !== null);
  if (missing.length > 0) {
    const detail = `no ${missing.join(', no ')} in its ${reading.walk.records} whole records`;
    return [{ name, code: 'manifest_incomplete', severity: 'fatal', detail }];
  }

  const faults: DatabaseFault[] = [];
  for (const table of state.tables) {
    const base = String(table.number).padStart(6, '0');
    const size = files.sizes.get(`${base}.ldb`) ?? files.sizes.get(`${base}.sst`);
    if (size === undefined) {
      const detail = `${name} names this table, and it is not there`;
      faults.push({ name: `${base}.ldb`, code: 'table_missing', severity: 'fatal', detail });
    } else if (size < table.size) {
      const detail = `${size} bytes, and ${name} says ${table.size}`;
      faults.push({ name: `${base}.ldb`, code: 'table_too_short', severity: 'fatal', detail });
    }
  }
  // A database is born with log number 0, which names none.
  if (state.logNumber !== null && state.logNumber > 0) {
    const present = [...files.logs.keys()].some((log) => logNumberOf(log) === state.logNumber);
    if (!present) {
      const log = `${String(state.logNumber).padStart(6, '0')}.log`;
      const detail = `${name} names this log, and it is not there: Chromium starts without a word, and without its writes`;
      faults.push({ name: log, code: 'log_missing', severity: 'loss', detail });
    }
  }
  return faults;
}

function planLogs(
  files: DatabaseFiles,
  manifest: ManifestState | null,
  cuts: Cut[],
  faults: DatabaseFault[],
): void {
  const live = [...files.logs]
    .map(([name, bytes]) => ({ name, bytes, number: logNumberOf(name) }))
    .filter((log) => isLive(log.number, manifest))
    .sort((left, right) => left.number - right.number);
  for (const [index, { name, bytes }] of live.entries()) {
    const walk = walkLog(bytes);
    if (walk.damage === null) continue;
    cuts.push({ name, from: walk.size, to: walk.wholeLength, reason: walk.damage.reason });
    const wentOn = live.slice(index + 1).some((later) => later.bytes.length > 0);
    const detail = describeLoss(walk, wentOn);
    if (detail !== null) faults.push({ name, code: 'records_lost', severity: 'loss', detail });
  }
}

function isLive(number: number, manifest: ManifestState | null): boolean {
  if (manifest === null || manifest.logNumber === null) return true;
  return number >= manifest.logNumber || number === manifest.previousLogNumber;
}

function describeLoss(walk: LogWalk, wentOn: boolean): string | null {
  const { damage } = walk;
  if (damage === null) return null;
  const place = `behind the ${damage.reason} at ${damage.offset} of ${walk.size}`;
  if (damage.wholeRecordsAfter > 0) {
    const why = damage.appendedAfterTear
      ? ': an earlier start went on after a torn record, without a repair'
      : '';
    return `${damage.wholeRecordsAfter} whole records ${place}${why}`;
  }
  if (!damage.searchedAll) return `perhaps whole records ${place}: the search was given up for its cost`;
  if (wentOn) return `a later log was begun after this one, so what stood ${place} had been written`;
  return null;
}

function logNumberOf(name: string): number {
  return Number(LOG_NAME.exec(name)?.[1] ?? Number.NaN);
}

function holdsData(files: DatabaseFiles): boolean {
  for (const [name, size] of files.sizes) {
    if (size > 0 && (LOG_NAME.test(name) || TABLE_NAME.test(name))) return true;
  }
  return false;
}
