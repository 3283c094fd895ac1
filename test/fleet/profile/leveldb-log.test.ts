import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_SIZE, HEADER_SIZE, walkLog } from '../../../fleet/profile/leveldb-log.ts';
import { appendRecords, physicalRecord } from './log-writer.ts';

const EMPTY = new Uint8Array(0);
const payload = (length: number, fill = 7) => new Uint8Array(length).fill(fill);

/** Payload sizes as a burst has them: mostly small, some that just fit a block or cross one, now and then several blocks long. */
const payloads = fc.array(
  fc
    .tuple(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }) },
        { weight: 2, arbitrary: fc.integer({ min: BLOCK_SIZE - 40, max: BLOCK_SIZE + 40 }) },
        { weight: 1, arbitrary: fc.integer({ min: 2 * BLOCK_SIZE - 30, max: 3 * BLOCK_SIZE }) },
      ),
      fc.integer({ min: 1, max: 0x7fffffff }),
    )
    .map(([length, seed]) => noise(length, seed)),
  { minLength: 1, maxLength: 12 },
);

/** Bytes that look like anything, the same for the same seed (xorshift32). */
function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
}

function readAll(bytes: Uint8Array): Uint8Array[] {
  const read: Uint8Array[] = [];
  const walk = walkLog(bytes, (record) => read.push(record));
  expect(walk.damage).toBeNull();
  return read;
}

const hex = (records: readonly Uint8Array[]) => records.map((record) => Buffer.from(record).toString('hex'));

describe('walkLog', () => {
  it('takes an empty file as whole', () => {
    expect(walkLog(EMPTY)).toEqual({ size: 0, wholeLength: 0, records: 0, damage: null });
  });

  it('reads back records of every size around a block', () => {
    for (let length = BLOCK_SIZE - 2 * HEADER_SIZE - 8; length <= BLOCK_SIZE + 8; length++) {
      const records = [payload(length), payload(3, 9)];
      expect(hex(readAll(appendRecords(EMPTY, records).bytes))).toEqual(hex(records));
    }
  });

  it('drops a header without its payload, the trace of a kill that destroys a session two starts later', () => {
    const { bytes, ends } = appendRecords(EMPTY, [payload(100), payload(200)]);
    const torn = Buffer.concat([bytes, physicalRecord(1, payload(150)).subarray(0, HEADER_SIZE)]);
    expect(walkLog(torn)).toMatchObject({
      wholeLength: ends[1],
      records: 2,
      damage: { reason: 'partial_payload', offset: ends[1], wholeRecordsAfter: 0, searchedAll: true },
    });
  });

  it('counts what a later run appended behind the torn record', () => {
    const { bytes, ends } = appendRecords(EMPTY, [payload(100)]);
    const torn = Buffer.concat([bytes, physicalRecord(1, payload(150)).subarray(0, HEADER_SIZE)]);
    const went = appendRecords(torn, [payload(80, 1), payload(90, 2), payload(40_000, 3)]).bytes;
    expect(walkLog(went)).toMatchObject({
      wholeLength: ends[0],
      damage: { reason: 'bad_checksum', offset: ends[0], wholeRecordsAfter: 3, appendedAfterTear: true },
    });
  });

  it('tells a record broken in place from one that was torn and appended to', () => {
    const { bytes, ends } = appendRecords(EMPTY, [payload(100), payload(100), payload(100)]);
    const broken = Uint8Array.from(bytes);
    broken[(ends[0] ?? 0) + 20] = 0;
    expect(walkLog(broken).damage).toMatchObject({
      reason: 'bad_checksum',
      wholeRecordsAfter: 1,
      appendedAfterTear: false,
    });
  });

  it('drops a chain that waits for its last part, from its beginning', () => {
    const { bytes, ends } = appendRecords(EMPTY, [payload(10), payload(3 * BLOCK_SIZE)]);
    for (const cut of [BLOCK_SIZE, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE]) {
      expect(walkLog(bytes.subarray(0, cut))).toMatchObject({
        wholeLength: ends[0],
        records: 1,
        damage: { reason: 'unfinished_chain', offset: ends[0] },
      });
    }
  });

  it.each([
    ['partial_header', [new Uint8Array(3).fill(1)]],
    ['zeros', [new Uint8Array(500)]],
    ['length_beyond_block', [Uint8Array.of(1, 2, 3, 4, 0xff, 0xff, 1), new Uint8Array(BLOCK_SIZE)]],
    ['unknown_type', [physicalRecord(9, payload(20))]],
    ['chain_without_start', [physicalRecord(3, payload(20))]],
    ['chain_without_start', [physicalRecord(4, payload(20))]],
    ['chain_without_end', [physicalRecord(2, payload(20)), physicalRecord(1, payload(20))]],
    ['chain_without_end', [physicalRecord(2, payload(20)), physicalRecord(2, payload(20))]],
  ] as const)('names %s and keeps what stands before it', (reason, tail) => {
    const { bytes, ends } = appendRecords(EMPTY, [payload(33)]);
    const walk = walkLog(Buffer.concat([bytes, ...tail]));
    expect(walk).toMatchObject({ wholeLength: ends[0], records: 1, damage: { reason, offset: ends[0] } });
  });

  it('passes over the zeros that end a block, also where a kill left only them', () => {
    const full = appendRecords(EMPTY, [payload(BLOCK_SIZE - HEADER_SIZE - 5)]).bytes;
    expect(full.length).toBe(BLOCK_SIZE - 5);
    for (const zeros of [0, 2, 5]) {
      const padded = Buffer.concat([full, new Uint8Array(zeros)]);
      expect(walkLog(padded)).toMatchObject({ wholeLength: padded.length, damage: null });
      expect(readAll(appendRecords(padded, [payload(50)]).bytes)).toHaveLength(2);
    }
  });

  it('passes over an empty FIRST that early writers left at the end of a block', () => {
    const log = Buffer.concat([
      appendRecords(EMPTY, [payload(BLOCK_SIZE - 2 * HEADER_SIZE)]).bytes,
      physicalRecord(2, EMPTY),
      physicalRecord(1, payload(9)),
    ]);
    expect(hex(readAll(log))[1]).toBe(hex([payload(9)])[0]);
  });

  it('finds the longest prefix of whole records wherever a log is cut', () => {
    fc.assert(
      fc.property(payloads, fc.double({ min: 0, max: 1, noNaN: true }), (records, share) => {
        const { bytes, ends } = appendRecords(EMPTY, records);
        const cut = Math.floor(bytes.length * share);
        const walk = walkLog(bytes.subarray(0, cut));
        const whole = ends.filter((end) => end <= cut);
        expect(walk.records).toBe(whole.length);
        // Zeros at a block's end belong to no record; a cut within them leaves nothing torn.
        expect(walk.wholeLength).toBe(walk.damage === null ? cut : (whole.at(-1) ?? 0));
        expect(walk.wholeLength - (whole.at(-1) ?? 0)).toBeLessThan(HEADER_SIZE);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a prefix of whole records, and no more than it read, whatever bytes are changed', () => {
    fc.assert(
      fc.property(
        payloads,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (records, flips, share) => {
          const { bytes, ends } = appendRecords(EMPTY, records);
          const broken = Uint8Array.from(bytes.subarray(0, Math.ceil(bytes.length * share)));
          if (broken.length === 0) return;
          const firstFlip = Math.min(...flips.map(([place]) => place % broken.length));
          for (const [place, mask] of flips) {
            const offset = place % broken.length;
            broken[offset] = (broken[offset] ?? 0) ^ mask;
          }
          const read: Uint8Array[] = [];
          const walk = walkLog(broken, (record) => read.push(record));
          expect(read).toHaveLength(walk.records);
          expect(hex(read)).toEqual(hex(records.slice(0, read.length)));
          // Every record that ends before the first change is kept.
          const untouched = ends.filter((end) => end <= firstFlip).length;
          expect(walk.records).toBeGreaterThanOrEqual(untouched);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves a log that is whole, and to which a writer can go on appending, also when done twice', () => {
    fc.assert(
      fc.property(
        payloads,
        payloads,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 3 }),
        fc.uint8Array({ maxLength: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (records, more, flips, garbage, share) => {
          const { bytes } = appendRecords(EMPTY, records);
          const broken = Buffer.concat([bytes.subarray(0, Math.ceil(bytes.length * share)), garbage]);
          for (const [place, mask] of flips) {
            if (broken.length === 0) break;
            const offset = place % broken.length;
            broken[offset] = (broken[offset] ?? 0) ^ mask;
          }
          const once = broken.subarray(0, walkLog(broken).wholeLength);
          const before = readAll(once);
          expect(walkLog(once).wholeLength).toBe(once.length);
          expect(hex(readAll(appendRecords(once, more).bytes))).toEqual(hex([...before, ...more]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never throws and never reads past the end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        const walk = walkLog(bytes);
        expect(walk.wholeLength).toBeLessThanOrEqual(bytes.length);
        expect(walkLog(bytes.subarray(0, walk.wholeLength)).damage).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it('gives up looking behind damage when the bytes were chosen to make that slow', () => {
    // Every second offset of this looks like a FULL record of 28 kB: without a bound on the search the test would not end in time.
    const hostile = Uint8Array.from({ length: 2 * 1024 * 1024 }, (_, index) => (index % 2 === 0 ? 1 : 0x70));
    const walk = walkLog(hostile);
    expect(walk.damage).toMatchObject({ offset: 0, searchedAll: false });
  });
});
