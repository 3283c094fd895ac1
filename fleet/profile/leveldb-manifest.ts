import { type LogWalk, walkLog } from './leveldb-log.ts';

/** A table a database needs: `NNNNNN.ldb` (or `.sst`, the older ending). */
export interface LiveTable {
  number: number;
  /** Bytes, as the MANIFEST has them. */
  size: number;
}

/** What the whole records of a MANIFEST add up to; null where no record named it. */
export interface ManifestState {
  tables: LiveTable[];
  /** Logs with a lower number are not read any more. */
  logNumber: number | null;
  /** An older log that is read all the same; 0 is none. */
  previousLogNumber: number;
  nextFileNumber: number | null;
  lastSequence: bigint | null;
}

export interface ManifestReading {
  walk: LogWalk;
  state: ManifestState;
  /** Why a whole record could not be understood, or null; `state` then ends before that record. */
  undecodable: string | null;
}

// Tags of a VersionEdit, from LevelDB's db/version_edit.cc; they are part of the format.
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG_NUMBER = 9;

/** Reads the VersionEdit records of a MANIFEST, as far as it is whole. Pure. */
export function readManifest(bytes: Uint8Array): ManifestReading {
  const tables = new Map<string, LiveTable>();
  const state: Omit<ManifestState, 'tables'> = {
    logNumber: null,
    previousLogNumber: 0,
    nextFileNumber: null,
    lastSequence: null,
  };
  let undecodable: string | null = null;
  let index = 0;
  const walk = walkLog(bytes, (payload) => {
    index++;
    if (undecodable !== null) return;
    try {
      applyEdit(new Decoder(payload), tables, state);
    } catch (error) {
      undecodable = `record ${index}: ${error instanceof Error ? error.message : String(error)}`;
    }
  });
  return { walk, state: { ...state, tables: [...tables.values()] }, undecodable };
}

function applyEdit(
  input: Decoder,
  tables: Map<string, LiveTable>,
  state: Omit<ManifestState, 'tables'>,
): void {
  const added: Array<[string, LiveTable]> = [];
  while (!input.atEnd()) {
    const tag = input.number();
    switch (tag) {
      case COMPARATOR:
        input.skipBytes();
        break;
      case LOG_NUMBER:
        state.logNumber = input.number();
        break;
      case PREVIOUS_LOG_NUMBER:
        state.previousLogNumber = input.number();
        break;
      case NEXT_FILE_NUMBER:
        state.nextFileNumber = input.number();
        break;
      case LAST_SEQUENCE:
        state.lastSequence = input.varint();
        break;
      case COMPACT_POINTER:
        input.number();
        input.skipBytes();
        break;
      case DELETED_FILE:
        tables.delete(`${input.number()}/${input.number()}`);
        break;
      case NEW_FILE: {
        const level = input.number();
        const table = { number: input.number(), size: input.number() };
        input.skipBytes();
        input.skipBytes();
        added.push([`${level}/${table.number}`, table]);
        break;
      }
      default:
        throw new Error(`unknown tag ${tag}`);
    }
  }
  // Additions come after deletions, whatever their order in the record: a table that only moves keeps its number.
  for (const [key, table] of added) tables.set(key, table);
}

class Decoder {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw new Error('ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number of more than ten bytes');
  }

  number(): number {
    const value = this.varint();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`a number out of range (${value})`);
    return Number(value);
  }

  skipBytes(): void {
    const length = this.number();
    if (length > this.#bytes.length - this.#position) throw new Error('ends within a key');
    this.#position += length;
  }
}
