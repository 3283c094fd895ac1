import { BLOCK_SIZE, HEADER_SIZE } from '../../../fleet/profile/leveldb-log.ts';

/**
 * A writer of LevelDB logs written from doc/log_format.md for the tests, with a CRC-32C of its own (bit by bit), so that the code under
 * test is not measured by itself. It goes on where `log` ends, as LevelDB's writer does on a log it reuses.
 *
 * @returns the new bytes of the log, and where each added record ends
 */
export function appendRecords(
  log: Uint8Array,
  payloads: readonly Uint8Array[],
): { bytes: Uint8Array; ends: number[] } {
  const parts: Uint8Array[] = [log];
  const ends: number[] = [];
  let size = log.length;
  const put = (part: Uint8Array) => {
    parts.push(part);
    size += part.length;
  };
  for (const payload of payloads) {
    let rest = payload;
    let first = true;
    let last = false;
    while (!last) {
      const left = BLOCK_SIZE - (size % BLOCK_SIZE);
      if (left < HEADER_SIZE) put(new Uint8Array(left));
      const room = BLOCK_SIZE - (size % BLOCK_SIZE) - HEADER_SIZE;
      const fragment = rest.subarray(0, room);
      rest = rest.subarray(fragment.length);
      last = rest.length === 0;
      put(physicalRecord(first ? (last ? 1 : 2) : last ? 4 : 3, fragment));
      first = false;
    }
    ends.push(size);
  }
  return { bytes: Buffer.concat(parts), ends };
}

/** One physical record: header and data. */
export function physicalRecord(type: number, data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(HEADER_SIZE + data.length);
  record.writeUInt16LE(data.length, 4);
  record.writeUInt8(type, 6);
  record.set(data, HEADER_SIZE);
  record.writeUInt32LE(maskedCrc(record.subarray(6)), 0);
  return record;
}

/** The checksum of bytes as LevelDB writes it down. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = slowCrc32c(bytes);
  const rotated = ((crc >>> 15) | (crc << 17)) >>> 0;
  return Number((BigInt(rotated) + 0xa282ead8n) & 0xffffffffn);
}

function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  return (crc ^ 0xffffffff) >>> 0;
}

type Level = number;

/** A VersionEdit as db/version_edit.cc encodes it. */
export function versionEdit(edit: {
  comparator?: string;
  logNumber?: number;
  nextFile?: number;
  lastSequence?: number;
  deleted?: Array<[Level, number]>;
  added?: Array<{ level: Level; number: number; size: number }>;
}): Uint8Array {
  const bytes: number[] = [];
  const number = (value: number) => {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    bytes.push(rest);
  };
  const text = (value: string) => {
    number(value.length);
    bytes.push(...Buffer.from(value, 'latin1'));
  };
  const field = (tag: number, value: number | undefined) => {
    if (value === undefined) return;
    number(tag);
    number(value);
  };
  if (edit.comparator !== undefined) {
    number(1);
    text(edit.comparator);
  }
  field(2, edit.logNumber);
  field(3, edit.nextFile);
  field(4, edit.lastSequence);
  for (const [level, table] of edit.deleted ?? []) {
    number(6);
    number(level);
    number(table);
  }
  for (const { level, number: table, size } of edit.added ?? []) {
    number(7);
    number(level);
    number(table);
    number(size);
    text('smallest');
    text('largest');
  }
  return Uint8Array.from(bytes);
}
