import { crc32c, maskCrc } from './crc32c.ts';

/** Bytes of a block of a log (LevelDB `doc/log_format.md`). */
export const BLOCK_SIZE = 32768;
/** Bytes of a record's header: masked CRC-32C (4, little-endian), length (2, little-endian), type (1). */
export const HEADER_SIZE = 7;

// Types of records; 3, between FIRST and LAST, is MIDDLE.
const FULL = 1;
const FIRST = 2;
const LAST = 4;

/**
 * Checksum work that looking behind damage may cost, in bytes (about 0.2 s). Without a bound, bytes chosen by whoever
 * sends messages could hold the process for minutes: nearly every offset can be made to look like a long record.
 */
const SEARCH_BUDGET = 64 * 1024 * 1024;

/** Why a log's good prefix ends where it does. */
export type LogDamageReason =
  /** The file ends within a header. */
  | 'partial_header'
  /** The file ends within a payload: the usual trace of a kill. */
  | 'partial_payload'
  /** The file ends within a chain of FIRST and MIDDLE records. */
  | 'unfinished_chain'
  /** Zeros where a header should be: room that was made and never written, or a file system's loss of power. */
  | 'zeros'
  /** The length runs over the end of the block. */
  | 'length_beyond_block'
  | 'bad_checksum'
  /** A type other than 1-4. */
  | 'unknown_type'
  /** MIDDLE or LAST without a FIRST. */
  | 'chain_without_start'
  /** FULL or FIRST while a chain still waits for its LAST: something was appended after a torn chain. */
  | 'chain_without_end';

export interface LogDamage {
  reason: LogDamageReason;
  /** Offset of the physical record at fault. */
  offset: number;
  /** Whole logical records found behind the damage: above 0, cutting here loses what had been written. */
  wholeRecordsAfter: number;
  /** False when the search behind the damage was given up for its cost; there may be more than were counted. */
  searchedAll: boolean;
  /** Records begin before the broken one's own end: it was torn, and a later run appended after it. */
  appendedAfterTear: boolean;
}

export interface LogWalk {
  /** Bytes looked at. */
  size: number;
  /** Length of the longest prefix made of whole logical records: where to cut. Equal to `size` if there is no damage. */
  wholeLength: number;
  /** Whole logical records in that prefix. */
  records: number;
  damage: LogDamage | null;
}

type Physical =
  | { kind: 'record'; type: number; start: number; payload: number; end: number }
  | { kind: 'end' }
  | { kind: 'bad'; reason: LogDamageReason; start: number; claimedEnd: number };

/**
 * Walks a LevelDB log (`NNNNNN.log` or a MANIFEST) as LevelDB's own reader does, and says how far it is whole. Pure.
 *
 * Stricter than that reader in one thing: what it forgives at the end of a file (a torn record) counts as damage here, since
 * the next writer appends *behind* it, and the reader after that does not forgive.
 *
 * @param visit gets each whole logical record's payload, in order; a payload in one piece is a view, not a copy
 */
export function walkLog(bytes: Uint8Array, visit?: (payload: Uint8Array) => void): LogWalk {
  const good = walkPrefix(bytes, 0, visit);
  const walk = { size: bytes.length, wholeLength: good.wholeLength, records: good.records };
  if (good.bad === null) return { ...walk, damage: null };

  const { reason, start, claimedEnd } = good.bad;
  const after = recordsAfter(bytes, start + 1);
  return {
    ...walk,
    damage: {
      reason,
      offset: start,
      wholeRecordsAfter: after.records,
      searchedAll: after.searchedAll,
      appendedAfterTear: after.firstOffset !== null && after.firstOffset < claimedEnd,
    },
  };
}

interface Prefix {
  wholeLength: number;
  records: number;
  bad: { reason: LogDamageReason; start: number; claimedEnd: number } | null;
}

function walkPrefix(
  bytes: Uint8Array,
  from: number,
  visit?: (payload: Uint8Array) => void,
  budget?: Budget,
): Prefix {
  let position = from;
  let wholeLength = from;
  let records = 0;
  let chain: { start: number; bytes: number; parts: Uint8Array[] } | null = null;

  for (;;) {
    const next = readPhysical(bytes, position, budget);
    if (next.kind === 'bad') return { wholeLength, records, bad: next };
    if (next.kind === 'end') {
      if (chain === null) return { wholeLength: bytes.length, records, bad: null };
      const bad = { reason: 'unfinished_chain' as const, start: chain.start, claimedEnd: bytes.length };
      return { wholeLength, records, bad };
    }

    const { type, start, payload, end } = next;
    const starts: boolean = type === FULL || type === FIRST;
    // An empty FIRST followed by a new record is how early writers ended a block; LevelDB's reader passes over it, and so do we.
    if (starts && chain !== null && chain.bytes > 0) {
      return {
        wholeLength,
        records,
        bad: { reason: 'chain_without_end', start: chain.start, claimedEnd: start },
      };
    }
    if (!starts && chain === null) {
      return { wholeLength, records, bad: { reason: 'chain_without_start', start, claimedEnd: end } };
    }

    if (starts) chain = { start, bytes: 0, parts: [] };
    if (chain !== null) {
      chain.bytes += end - payload;
      if (visit) chain.parts.push(bytes.subarray(payload, end));
    }
    position = end;
    if (type === FULL || type === LAST) {
      visit?.(join(chain?.parts ?? []));
      chain = null;
      records++;
      wholeLength = end;
    }
  }
}

interface Budget {
  left: number;
}

/** The physical record at an offset, past the zeros that end a block when no header fits any more. */
function readPhysical(bytes: Uint8Array, position: number, budget?: Budget): Physical {
  let start = position;
  const leftInBlock = BLOCK_SIZE - (start % BLOCK_SIZE);
  if (leftInBlock < HEADER_SIZE) start += leftInBlock;
  if (start >= bytes.length) return { kind: 'end' };

  const payload = start + HEADER_SIZE;
  if (payload > bytes.length)
    return { kind: 'bad', reason: 'partial_header', start, claimedEnd: bytes.length };
  const length = (bytes[start + 4] ?? 0) | ((bytes[start + 5] ?? 0) << 8);
  const type = bytes[start + 6] ?? 0;
  const end = payload + length;
  const blockEnd = start - (start % BLOCK_SIZE) + BLOCK_SIZE;

  const bad = (reason: LogDamageReason): Physical => ({
    kind: 'bad',
    reason,
    start,
    claimedEnd: Math.min(end, blockEnd),
  });
  if (type === 0 && length === 0) return { kind: 'bad', reason: 'zeros', start, claimedEnd: blockEnd };
  if (end > blockEnd) return bad('length_beyond_block');
  if (end > bytes.length) return bad('partial_payload');
  if (type < FULL || type > LAST) return bad('unknown_type');
  if (budget) {
    budget.left -= length + HEADER_SIZE;
    if (budget.left < 0) return bad('bad_checksum');
  }
  if (readUint32(bytes, start) !== maskCrc(crc32c(bytes, start + 6, end))) return bad('bad_checksum');
  return { kind: 'record', type, start, payload, end };
}

/** Looks for whole logical records at every offset behind damage: an interrupted append leaves the next one at any of them. */
function recordsAfter(
  bytes: Uint8Array,
  from: number,
): { records: number; firstOffset: number | null; searchedAll: boolean } {
  const budget: Budget = { left: SEARCH_BUDGET };
  let records = 0;
  let firstOffset: number | null = null;
  let position = from;
  while (position + HEADER_SIZE <= bytes.length && budget.left >= 0) {
    const type = bytes[position + 6] ?? 0;
    if (type === FULL || type === FIRST) {
      const run = walkPrefix(bytes, position, undefined, budget);
      if (run.records > 0) {
        firstOffset ??= position;
        records += run.records;
        position = Math.max(run.wholeLength, position + 1);
        continue;
      }
    }
    position++;
  }
  return { records, firstOffset, searchedAll: budget.left >= 0 };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}
