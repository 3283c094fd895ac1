import { describe, expect, it } from 'vitest';
import { manifestKey } from '../../../backup/manifest/stored-catalog.ts';
import { makeBackup } from '../../../backup/run/backup-run.ts';
import { WharfError } from '../../../common/errors.ts';
import { someFiles } from '../../helpers/copyable-sessions.ts';
import { runParts, TestHandle } from './run-parts.ts';

const forbidden = new WharfError('backup_store_failed', 'The bucket refuses: 403.');

/** A run over so many sessions. */
function manySessions(count: number, changes: Parameters<typeof runParts>[0] = {}) {
  const run = runParts(changes);
  for (let n = 0; n < count; n += 1) run.fleet.set(String(n), 'main', someFiles(String(n)));
  return run;
}

describe('a backup whose store fails', () => {
  it('ends at once where the store refuses, with one error and not one for each session', async () => {
    const { parts, fleet, store, catalog } = manySessions(200);
    store.before = (request) => {
      if (request !== 'list' && request !== 'now') throw forbidden;
    };
    const handle = new TestHandle();
    await expect(makeBackup(parts, handle)).rejects.toBe(forbidden);
    expect(fleet.asked.filter((asked) => asked.startsWith('copy')).length).toBeLessThan(20);
    expect(handle.findings).toEqual([]);
    expect(fleet.open, 'copies that were left open').toBe(0);
    store.before = () => {};
    expect(await catalog.list()).toEqual([]);
  });

  it('ends where the store fails in the middle, and the next run goes on from what was kept', async () => {
    const { parts, fleet, store, catalog } = manySessions(40);
    let puts = 0;
    store.before = (request) => {
      if (request === 'put') puts += 1;
      if (puts > 30) throw forbidden;
    };
    await expect(makeBackup(parts, new TestHandle())).rejects.toBe(forbidden);
    const kept = store.objects.size;
    expect(kept).toBeGreaterThan(20);
    expect(fleet.open).toBe(0);
    store.before = () => {};
    const { manifest, sessions } = await makeBackup(parts, new TestHandle());
    expect(sessions).toEqual({ copied: 40, carried: 0, missed: 0 });
    // What is young is read, and not sent again; a copy of later has other bytes only where something changed.
    expect(manifest.sent_objects).toBeLessThanOrEqual(80 - kept + 1);
    expect((await catalog.list()).map(({ id }) => id)).toEqual([manifest.id]);
  });

  it('takes a failure that passes as the session its own', async () => {
    const { parts, store } = manySessions(6);
    let failed = false;
    store.before = (request) => {
      if (request !== 'put' || failed) return;
      failed = true;
      throw new WharfError('backup_store_failed', 'The connection broke.');
    };
    const handle = new TestHandle();
    expect((await makeBackup(parts, handle)).sessions).toEqual({ copied: 6, carried: 0, missed: 0 });
    expect(handle.progress).toContainEqual(expect.objectContaining({ failed: 1 }));
  });

  it('gives up where nothing can be put though the store seems well', async () => {
    const { parts, fleet, store } = manySessions(200);
    store.before = (request) => {
      if (request === 'put') throw forbidden;
    };
    await expect(makeBackup(parts, new TestHandle())).rejects.toBe(forbidden);
    expect(fleet.asked.filter((asked) => asked.startsWith('copy')).length).toBeLessThan(30);
  });

  it('puts no manifest where it cannot be put', async () => {
    const { parts, store, catalog } = manySessions(2);
    store.before = (request) => {
      if (request === 'create') throw forbidden;
    };
    await expect(makeBackup(parts, new TestHandle())).rejects.toBe(forbidden);
    store.before = () => {};
    expect(await catalog.list()).toEqual([]);
  });

  it('takes the next second where a manifest of its name is there', async () => {
    const { parts, catalog } = manySessions(1);
    const first = await makeBackup(parts, new TestHandle());
    const second = await makeBackup(parts, new TestHandle());
    expect([first.manifest.id, second.manifest.id]).toEqual(['20261122T090003Z', '20261122T090004Z']);
    expect((await catalog.latest())?.manifest).toEqual(second.manifest);
  });

  it('of two that run at once, each makes its own', async () => {
    const { parts } = manySessions(5);
    const ids = (await Promise.all([1, 2, 3].map(() => makeBackup(parts, new TestHandle())))).map(
      ({ manifest }) => manifest.id,
    );
    expect(ids.sort()).toEqual(['20261122T090003Z', '20261122T090004Z', '20261122T090005Z']);
  });

  it('builds on an earlier backup where the manifest of the last is damaged, and says so', async () => {
    const { parts, store, hour } = manySessions(1);
    const first = await makeBackup(parts, new TestHandle());
    hour();
    const second = await makeBackup(parts, new TestHandle());
    const stored = store.objects.get(manifestKey(second.manifest.id));
    if (stored) stored.content = stored.content.subarray(0, stored.content.length - 30);
    hour();
    const handle = new TestHandle();
    const third = await makeBackup(parts, handle);
    expect(handle.findings).toEqual([
      `The manifest of backup ${second.manifest.id} cannot be read; this backup builds on an earlier one.`,
    ]);
    expect(third.manifest.sent_objects).toBe(0);
    expect(third.manifest.sessions[0]?.pieces).toEqual(first.manifest.sessions[0]?.pieces);
  });

  it('leaves no manifest where the backup it builds on is removed beside it', async () => {
    const { parts, fleet, store, catalog, hour } = manySessions(1);
    const { manifest } = await makeBackup(parts, new TestHandle());
    hour();
    fleet.before = async (asked) => {
      if (asked.startsWith('copy')) await catalog.remove(manifest.id);
    };
    await expect(makeBackup(parts, new TestHandle())).rejects.toThrow(
      /which this one builds on, was removed/,
    );
    expect(await catalog.list()).toEqual([]);

    // And where it is removed in the moment in which the new one is put.
    fleet.before = () => {};
    const again = await makeBackup(parts, new TestHandle());
    hour();
    store.before = async (request) => {
      if (request !== 'create') return;
      store.before = () => {};
      await catalog.remove(again.manifest.id);
    };
    await expect(makeBackup(parts, new TestHandle())).rejects.toThrow(
      /which this one builds on, was removed/,
    );
    expect(await catalog.list()).toEqual([]);
  });
});

describe('a backup whose instances fail', () => {
  it('does not call one again that did not answer for three sessions, and copies those of the others', async () => {
    const { parts, fleet } = manySessions(40, { concurrency: 2 });
    for (let n = 0; n < 40; n += 1) fleet.assigned.set(String(n), n % 2 === 0 ? 'instance-1' : 'instance-2');
    let hangs = true;
    fleet.before = (asked) => {
      const workspace = Number(/^copy (\d+)/.exec(asked)?.[1] ?? 1);
      if (workspace % 2 === 0 && hangs) throw new WharfError('instance_unavailable', 'No answer in 120 s.');
    };
    const calls = () =>
      fleet.asked.filter((asked) => Number(/^copy (\d+)/.exec(asked)?.[1] ?? 1) % 2 === 0).length;
    const { sessions, manifest } = await makeBackup(parts, new TestHandle());
    expect(sessions).toEqual({ copied: 20, carried: 0, missed: 20 });
    expect(calls(), 'in two rounds').toBeLessThanOrEqual(8);
    const reasons = new Set(manifest.missed.map(({ reason }) => reason));
    expect(reasons).toContain('Its owner, instance-1, did not answer for other sessions.');
    // Where it is back by the second try, all of them are copied.
    const handle = new TestHandle();
    handle.set = (progress) => {
      if ('doing' in progress && String(progress.doing).startsWith('trying')) hangs = false;
    };
    expect((await makeBackup(parts, handle)).sessions).toEqual({ copied: 40, carried: 0, missed: 0 });
  });
});

describe('a backup of sessions whose copies take too long', () => {
  it('has the other sessions of their instance in it, and does not go on for hours where all are so slow', async () => {
    const { parts, fleet } = manySessions(40, { concurrency: 2 });
    for (let n = 0; n < 40; n += 1) fleet.assigned.set(String(n), 'instance-1');
    let slow = 5;
    fleet.before = (asked) => {
      const workspace = Number(/^copy (\d+)/.exec(asked)?.[1] ?? slow);
      if (workspace < slow) throw new WharfError('timeout', 'Not within 300 s.');
    };
    const rounds: Record<string, unknown>[] = [];
    const handle = new TestHandle();
    handle.set = (progress) => {
      if ('doing' in progress && String(progress.doing).startsWith('waiting')) rounds.push(progress);
    };
    expect((await makeBackup(parts, handle)).sessions).toEqual({ copied: 35, carried: 0, missed: 5 });
    expect(rounds, 'no other had to be tried once more').toEqual([
      { doing: 'waiting to try 5 sessions once more' },
    ]);
    slow = 40;
    fleet.asked.length = 0;
    await expect(makeBackup(parts, new TestHandle())).rejects.toThrow(/took too long with 10 other sessions/);
    expect(fleet.asked.filter((asked) => asked.startsWith('copy')).length).toBeLessThanOrEqual(2 * (10 + 2));
  });
});

describe('a backup of sessions to which there is no answer', () => {
  it('has the other sessions of their instance in it: those are tried first, when all are tried once more', async () => {
    const { parts, fleet } = manySessions(20, { concurrency: 2 });
    for (let n = 0; n < 20; n += 1) fleet.assigned.set(String(n), 'instance-1');
    fleet.before = (asked) => {
      if (/^copy [0-4]\//.test(asked)) throw new WharfError('instance_unavailable', 'No answer in 180 s.');
    };
    const { sessions, manifest } = await makeBackup(parts, new TestHandle());
    expect(sessions).toEqual({ copied: 15, carried: 0, missed: 5 });
    expect(manifest.missed.map((missed) => missed.workspace_id)).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('a backup whose service loses the lease', () => {
  it('ends at once, closes its copies and puts no manifest', async () => {
    const { parts, fleet, catalog } = manySessions(20);
    const handle = new TestHandle();
    const lost = new WharfError('backup_unavailable', 'Another makes the backups now.');
    let copies = 0;
    fleet.before = (asked) => {
      if (asked.startsWith('copy')) copies += 1;
      if (copies === 5) handle.controller.abort(lost);
    };
    await expect(makeBackup(parts, handle)).rejects.toBe(lost);
    expect(copies).toBeLessThan(10);
    expect(fleet.open).toBe(0);
    expect(await catalog.list()).toEqual([]);
  });

  it('puts no manifest where only the last look shows that another makes the backups', async () => {
    const lost = new WharfError('backup_unavailable', 'Another makes the backups now.');
    const { parts, catalog } = manySessions(2, { confirm: () => Promise.reject(lost) });
    await expect(makeBackup(parts, new TestHandle())).rejects.toBe(lost);
    expect(await catalog.list()).toEqual([]);
  });

  it('does not wait for the second try of sessions', async () => {
    const { parts, fleet } = manySessions(2, { retryAfter: 3_600_000 });
    const handle = new TestHandle();
    const lost = new WharfError('backup_unavailable', 'Another makes the backups now.');
    fleet.before = (asked) => {
      if (asked === 'copy 1/main') throw new WharfError('invalid_state', 'It is starting.');
    };
    handle.set = (progress) => {
      if ('doing' in progress && String(progress.doing).startsWith('waiting')) handle.controller.abort(lost);
    };
    await expect(makeBackup(parts, handle)).rejects.toBe(lost);
  });
});

describe('a backup of copies that are not what they say', () => {
  it('keeps no object under the name of another, and takes the session from the backup before', async () => {
    const { parts, fleet, store, hour } = manySessions(2);
    await makeBackup(parts, new TestHandle());
    hour();
    fleet.set('1', 'main', someFiles('1', 'more'));
    const copy = parts.instances.copy.bind(fleet);
    parts.instances = {
      owners: () => fleet.owners(),
      copy: async (name, have, signal) => {
        const open = await copy(name, have, signal);
        if (name.workspace !== '1') return open;
        return { ...open, archive: async () => Buffer.from('other bytes') as never };
      },
    };
    const objects = store.objects.size;
    const { sessions, manifest } = await makeBackup(parts, new TestHandle());
    expect(sessions).toEqual({ copied: 1, carried: 1, missed: 0 });
    expect(manifest.sessions[1]?.carried).toMatch(/is not what it was said to be/);
    expect(store.objects.size, 'manifests counted in').toBe(objects + 1);
    expect(fleet.open).toBe(0);
  });
});
