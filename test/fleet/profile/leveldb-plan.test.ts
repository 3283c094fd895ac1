import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DatabaseFiles, planRepair } from '../../../fleet/profile/leveldb-plan.ts';
import { appendRecords, physicalRecord, versionEdit } from './log-writer.ts';

const EMPTY = new Uint8Array(0);
const TORN = physicalRecord(1, new Uint8Array(90)).subarray(0, 7);
const log = (records = 3) =>
  appendRecords(
    EMPTY,
    Array.from({ length: records }, () => new Uint8Array(40).fill(5)),
  ).bytes;

const BORN = versionEdit({ comparator: 'idb_cmp1', logNumber: 0, nextFile: 2, lastSequence: 0 });
const FLUSHED = versionEdit({
  logNumber: 8,
  nextFile: 10,
  lastSequence: 900,
  deleted: [[0, 4]],
  added: [
    { level: 1, number: 5, size: 5000 },
    { level: 0, number: 7, size: 700 },
  ],
});
const manifestOf = (...edits: Uint8Array[]) => appendRecords(EMPTY, edits).bytes;

/** A sound database that has flushed once: tables 5 and 7, log 8. */
function database(
  overrides: Partial<Omit<DatabaseFiles, 'sizes'>> = {},
  sizes: Record<string, number | null> = {},
): DatabaseFiles {
  const files = {
    current: 'MANIFEST-000001\n' as string | null,
    manifest: manifestOf(BORN, FLUSHED) as Uint8Array | null,
    logs: new Map([['000008.log', log()]]) as ReadonlyMap<string, Uint8Array>,
    ...overrides,
  };
  const all = new Map<string, number>([
    ['000005.ldb', 5000],
    ['000007.ldb', 700],
    ['LOCK', 0],
  ]);
  for (const [name, bytes] of files.logs) all.set(name, bytes.length);
  if (files.current !== null) all.set('CURRENT', files.current.length);
  if (files.manifest !== null) all.set('MANIFEST-000001', files.manifest.length);
  for (const [name, size] of Object.entries(sizes)) {
    if (size === null) all.delete(name);
    else all.set(name, size);
  }
  return { ...files, sizes: all };
}

const codes = (files: DatabaseFiles) =>
  planRepair(files).faults.map((fault) => `${fault.severity} ${fault.name} ${fault.code}`);

describe('planRepair', () => {
  it('has nothing to do on a sound database', () => {
    expect(planRepair(database())).toEqual({ cuts: [], faults: [] });
  });

  it('cuts a torn log and a torn MANIFEST after their last whole record', () => {
    const whole = manifestOf(BORN, FLUSHED);
    const plan = planRepair(
      database({
        manifest: Buffer.concat([whole, TORN]),
        logs: new Map([['000008.log', Buffer.concat([log(), TORN])]]),
      }),
    );
    expect(plan).toEqual({
      cuts: [
        { name: 'MANIFEST-000001', from: whole.length + 7, to: whole.length, reason: 'partial_payload' },
        { name: '000008.log', from: log().length + 7, to: log().length, reason: 'partial_payload' },
      ],
      faults: [],
    });
  });

  it('does not cut a MANIFEST with whole edits behind the damage: Chromium would delete the newer tables', () => {
    const damaged = appendRecords(Buffer.concat([manifestOf(BORN), TORN]), [FLUSHED, FLUSHED]).bytes;
    const plan = planRepair(database({ manifest: damaged }));
    expect(plan.cuts).toEqual([]);
    expect(plan.faults).toMatchObject([
      { name: 'MANIFEST-000001', code: 'manifest_damaged', severity: 'fatal' },
    ]);
  });

  it('does not cut a MANIFEST back to an edit whose log is gone: the flush that removed it did happen', () => {
    const born = versionEdit({ comparator: 'idb_cmp1', logNumber: 3, nextFile: 4, lastSequence: 0 });
    const broken = Uint8Array.from(manifestOf(born, FLUSHED));
    broken[broken.length - 1] = 0;
    const files = database({ manifest: broken });
    expect(planRepair(files).cuts).toEqual([]);
    expect(codes(files)).toEqual(['fatal MANIFEST-000001 manifest_damaged', 'loss 000003.log log_missing']);
    // With the older log still there, the edit had not taken effect, and the cut loses nothing.
    const early = database({
      manifest: broken,
      logs: new Map([
        ['000003.log', log()],
        ['000008.log', log()],
      ]),
    });
    expect(planRepair(early)).toMatchObject({
      cuts: [{ name: 'MANIFEST-000001', reason: 'bad_checksum' }],
      faults: [],
    });
  });

  it('names tables that are missing or too short, and takes the older .sst ending too', () => {
    expect(codes(database({}, { '000005.ldb': null, '000007.ldb': 699 }))).toEqual([
      'fatal 000005.ldb table_missing',
      'fatal 000007.ldb table_too_short',
    ]);
    expect(codes(database({}, { '000005.ldb': null, '000005.sst': 5000 }))).toEqual([]);
  });

  it('forgets tables that an edit removed, but not one that only moved to another level', () => {
    const moved = versionEdit({ deleted: [[0, 7]], added: [{ level: 2, number: 7, size: 700 }] });
    const removed = versionEdit({ deleted: [[2, 7]] });
    expect(codes(database({ manifest: manifestOf(BORN, FLUSHED, moved) }, { '000007.ldb': null }))).toEqual([
      'fatal 000007.ldb table_missing',
    ]);
    expect(
      codes(database({ manifest: manifestOf(BORN, FLUSHED, moved, removed) }, { '000007.ldb': null })),
    ).toEqual([]);
  });

  it.each([
    ['a missing CURRENT', { current: null }, 'fatal CURRENT current_missing'],
    ['an empty CURRENT', { current: '' }, 'fatal CURRENT current_invalid'],
    ['a CURRENT without its newline', { current: 'MANIFEST-000001' }, 'fatal CURRENT current_invalid'],
    ['a CURRENT that points elsewhere', { current: '../../x\n' }, 'fatal CURRENT current_invalid'],
    ['a missing MANIFEST', { manifest: null }, 'fatal MANIFEST-000001 manifest_missing'],
    ['an empty MANIFEST', { manifest: EMPTY }, 'fatal MANIFEST-000001 manifest_incomplete'],
    [
      'a MANIFEST that is no edit',
      { manifest: manifestOf(Uint8Array.of(77)) },
      'fatal MANIFEST-000001 manifest_damaged',
    ],
    ['a missing log', { logs: new Map() }, 'loss 000008.log log_missing'],
  ])('names %s', (_, overrides, expected) => {
    expect(codes(database(overrides))).toEqual([expected]);
  });

  it('says nothing of a database whose making was cut short: there is nothing in it to lose', () => {
    const files = database({ current: null, logs: new Map() }, { '000005.ldb': null, '000007.ldb': null });
    expect(planRepair(files)).toEqual({ cuts: [], faults: [] });
  });

  it('leaves logs that LevelDB reads no more as they are', () => {
    const logs = new Map([
      ['000003.log', Buffer.concat([log(), TORN])],
      ['000008.log', log()],
    ]);
    expect(planRepair(database({ logs }))).toEqual({ cuts: [], faults: [] });
  });

  it('cuts every log where no MANIFEST says which are read', () => {
    const torn = Buffer.concat([log(), TORN]);
    const plan = planRepair(
      database({
        manifest: null,
        logs: new Map([
          ['000003.log', torn],
          ['000008.log', torn],
        ]),
      }),
    );
    expect(plan.cuts.map((cut) => cut.name)).toEqual(['000003.log', '000008.log']);
  });

  it('names a loss where a torn log is followed by a later one', () => {
    const logs = new Map([
      ['000008.log', Buffer.concat([log(), TORN])],
      ['000011.log', log()],
    ]);
    expect(codes(database({ logs }))).toEqual(['loss 000008.log records_lost']);
  });

  it('takes logs in the order of their numbers, not of their names', () => {
    const logs = new Map([
      ['1000000.log', Buffer.concat([log(), TORN])],
      ['999999.log', log()],
      ['000008.log', log()],
    ]);
    const plan = planRepair(database({ logs }));
    expect(plan.faults).toEqual([]);
    expect(plan.cuts).toHaveLength(1);
  });

  it('never throws, whatever the files hold', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }).map((edits) => manifestOf(...edits)),
    );
    fc.assert(
      fc.property(
        fc.option(fc.oneof(fc.string(), fc.constant('MANIFEST-000001\n'))),
        fc.option(bytes),
        fc.dictionary(fc.constantFrom('000001.log', '000008.log', '999999999999999.log'), bytes),
        (current, manifest, logs) => {
          const files = database({ current, manifest, logs: new Map(Object.entries(logs)) });
          for (const cut of planRepair(files).cuts) expect(cut.to).toBeLessThan(cut.from);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
