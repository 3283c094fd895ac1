import { describe, expect, it } from 'vitest';
import { backupIdAt, byMade, madeAt, timeOfBackup } from '../../../backup/manifest/backup-ids.ts';
import type { Manifest } from '../../../backup/manifest/manifest.ts';
import { chooseBackup, nearestTo } from '../../../backup/restore/choose-backup.ts';
import { nearest, selectSessions } from '../../../backup/restore/select-sessions.ts';
import { WharfError } from '../../../common/errors.ts';
import { aManifest, aSessionRecord } from '../../helpers/backed-up-session.ts';

const HOURS = ['20261122T080003Z', '20261122T090003Z', '20261122T100003Z', '20261122T110003Z'];

interface Put {
  id: string;
  /** By the clock that named it, milliseconds since 1970. */
  finished: number;
  /** When its manifest was put, by the store's clock. */
  modified: number;
}

/** Backups, each with when it was finished and put. */
function catalogWith(puts: readonly Put[], damaged: readonly string[] = []) {
  return {
    list: async () =>
      puts.map(({ id, modified }) => ({ id, modified, made: madeAt(id, modified), stored: 1 })).sort(byMade),
    read: async (id: string): Promise<Manifest> => {
      if (damaged.includes(id)) throw new WharfError('backup_damaged', `${id} is cut short`);
      const finished = puts.find((put) => put.id === id)?.finished ?? Number.NaN;
      return aManifest(id, [], { finished_at: new Date(finished).toISOString() });
    },
  };
}

/** Backups whose clock was right, and that take five minutes each. */
function catalogOf(ids: readonly string[], damaged?: readonly string[]) {
  const puts = ids.map((id) => {
    const finished = Date.UTC(2026, 10, 22, Number(id.slice(9, 11)), 5);
    return { id, finished, modified: finished };
  });
  return catalogWith(puts, damaged);
}

describe('which backup a restore is from', () => {
  it.each([
    ['latest', '20261122T110003Z'],
    ['20261122T090003Z', '20261122T090003Z'],
    ['2026-11-22T10:30:00Z', '20261122T100003Z'],
    // It had begun, and was not finished yet.
    ['2026-11-22T10:04:59Z', '20261122T090003Z'],
    ['2026-11-22T10:05:00Z', '20261122T100003Z'],
    ['2026-11-22T12:30:00+02:00', '20261122T100003Z'],
  ])('for %s it is %s', async (at, id) => {
    const { manifest, damaged } = await chooseBackup(catalogOf(HOURS), at);
    expect({ id: manifest.id, damaged }).toEqual({ id, damaged: [] });
  });

  it('passes over damaged ones where a time was asked for, and says so; one asked for by its id is not replaced', async () => {
    const catalog = catalogOf(HOURS, ['20261122T110003Z', '20261122T100003Z']);
    const chosen = await chooseBackup(catalog, 'latest');
    expect(chosen.manifest.id).toBe('20261122T090003Z');
    expect(chosen.damaged).toEqual(['20261122T110003Z', '20261122T100003Z']);
    await expect(chooseBackup(catalog, '20261122T110003Z')).rejects.toMatchObject({ code: 'backup_damaged' });
  });

  it.each([
    [
      '20261122T091500Z',
      'There is no backup 20261122T091500Z. The nearest: 20261122T080003Z, 20261122T090003Z, 20261122T100003Z, 20261122T110003Z',
    ],
    [
      '2026-11-22T07:00:00Z',
      'No backup was finished by 20261122T070000Z. The nearest: 20261122T080003Z, 20261122T090003Z, 20261122T100003Z;',
    ],
  ])('names the nearest where there is none for %s', async (at, text) => {
    await expect(chooseBackup(catalogOf(HOURS), at)).rejects.toMatchObject({
      code: 'backup_not_found',
      message: expect.stringContaining(text),
    });
  });

  it('says that there are none, and that none can be read', async () => {
    await expect(chooseBackup(catalogOf([]), 'latest')).rejects.toThrow('There are no backups yet');
    await expect(chooseBackup(catalogOf(HOURS, HOURS), 'latest')).rejects.toThrow(
      'No backup can be read. Damaged: 20261122T110003Z',
    );
  });

  it('names at most three before a time and three after it', () => {
    const ids = Array.from({ length: 24 }, (_, hour) => `20261122T${String(hour).padStart(2, '0')}0003Z`);
    const heads = ids.map((id) => ({ id, made: timeOfBackup(id) }));
    const near = nearestTo(heads, Date.UTC(2026, 10, 22, 12, 30));
    expect(near).toEqual(ids.slice(10, 16));
    expect(nearestTo(heads, 0)).toEqual(ids.slice(0, 3));
    expect(nearestTo(heads, Number.POSITIVE_INFINITY)).toEqual(ids.slice(-3));
  });
});

describe('which backup a restore is from where a clock was ahead', () => {
  const at = (hour: number, minute: number) => Date.UTC(2026, 10, 22, hour, minute);
  const right = (hour: number) => ({
    id: backupIdAt(at(hour, 0)),
    finished: at(hour, 5),
    modified: at(hour, 5),
  });

  it('by ten days for one backup, made at nine: it is the newest until the next one is made', async () => {
    const ahead = { id: '20261202T090003Z', finished: at(9, 5) + 10 * 86_400_000, modified: at(9, 5) };
    const before = [right(7), right(8), ahead];
    expect((await chooseBackup(catalogWith(before), 'latest')).manifest.id).toBe(ahead.id);
    const catalog = catalogWith([...before, right(10), right(11)]);
    expect((await chooseBackup(catalog, 'latest')).manifest.id).toBe(right(11).id);
    // What it calls its end lies in the future too.
    expect((await chooseBackup(catalog, '2026-11-22T09:30:00Z')).manifest.id).toBe(ahead.id);
    expect((await chooseBackup(catalog, '2026-11-22T09:04:00Z')).manifest.id).toBe(right(8).id);
    expect((await chooseBackup(catalog, ahead.id)).manifest.id).toBe(ahead.id);
  });

  it('by some hours, so that ids count on from there: each is found by when it was made', async () => {
    const counted = [10, 11, 12].map((hour, count) => ({
      id: backupIdAt(at(20, 0) + count * 1000),
      finished: at(hour, 5),
      modified: at(hour, 5),
    }));
    const catalog = catalogWith([right(9), ...counted]);
    expect((await chooseBackup(catalog, '2026-11-22T11:30:00Z')).manifest.id).toBe(counted[1]?.id);
    await expect(chooseBackup(catalog, '2026-11-22T08:00:00Z')).rejects.toThrow(
      `The nearest: ${[right(9), ...counted.slice(0, 2)].map(({ id }) => id).join(', ')};`,
    );
  });
});

describe('which sessions of a backup are restored', () => {
  const manifest = aManifest(
    '20261122T090003Z',
    [
      ['7', 'sales'],
      ['7', 'support'],
      ['8', 'sales'],
    ].map(([workspace_id = '', session_id = '']) => ({
      record: aSessionRecord({ workspace_id, session_id }),
      taken_at: '2026-11-22T09:00:05.000Z',
      instance: 'instance-1',
      epoch: 1,
      chromium: null,
      live: true,
      frozen_ms: null,
      archive: null,
      pieces: [],
      bytes: 0,
      files: 0,
      carried: null,
    })),
    { missed: [{ workspace_id: '9', session_id: 'lost', reason: 'its owner did not answer' }] },
  );
  const names = (request: { workspace_id?: string; session_id?: string }) =>
    selectSessions(manifest, request).map(({ record }) => `${record.workspace_id}/${record.session_id}`);

  it('all, a workspace, a session of a workspace, or one whose id is unique', () => {
    expect(names({})).toEqual(['7/sales', '7/support', '8/sales']);
    expect(names({ workspace_id: '7' })).toEqual(['7/sales', '7/support']);
    expect(names({ workspace_id: '8', session_id: 'sales' })).toEqual(['8/sales']);
    expect(names({ session_id: 'support' })).toEqual(['7/support']);
  });

  it.each([
    [{ session_id: 'sales' }, 'ambiguous_session', 'in workspaces 7, 8. Name the workspace'],
    [{ session_id: 'suport' }, 'backup_not_found', 'The nearest there: support, sales'],
    [{ workspace_id: '70' }, 'backup_not_found', 'The nearest there: 7, 8'],
    [
      { workspace_id: '8', session_id: 'support' },
      'backup_not_found',
      'of workspace 8 is not in backup 20261122T090003Z. The nearest there: sales',
    ],
    [{ session_id: 'lost' }, 'backup_not_found', 'it could not be copied then (its owner did not answer)'],
  ])('refuses %o with what is there', (request, code, text) => {
    expect(() => names(request)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it('says of an empty backup that it is', () => {
    expect(() => selectSessions({ id: 'x', sessions: [], missed: [] }, { workspace_id: '7' })).toThrow(
      'holds no session',
    );
  });

  it('takes names with the fewest letters that differ for the nearest', () => {
    expect(nearest('main', ['mail', 'domain', 'other', 'mains', 'Main'])).toEqual([
      'Main',
      'mail',
      'mains',
      'domain',
      'other',
    ]);
  });
});
