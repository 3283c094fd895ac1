import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../backup/fleet/session-names.ts';
import type { Manifest } from '../../../backup/manifest/manifest.ts';
import { makeBackup } from '../../../backup/run/backup-run.ts';
import { WharfError } from '../../../common/errors.ts';
import { objectKey } from '../../helpers/backed-up-session.ts';
import { someFiles } from '../../helpers/copyable-sessions.ts';
import { runParts, TestHandle } from './run-parts.ts';

/** `7/main`, with a mark where it is carried. */
function contents({ sessions, missed }: Manifest): string[] {
  return [
    ...sessions.map((session) => {
      const { workspace, session: id } = nameOf(session);
      return `${session.carried === null ? '' : 'carried '}${workspace}/${id}`;
    }),
    ...missed.map(({ workspace_id, session_id }) => `missed ${workspace_id}/${session_id}`),
  ];
}

const refused = new WharfError('invalid_state', 'The session is just starting.');

describe('makeBackup', () => {
  it('puts objects first, then a manifest that names them all', async () => {
    const { parts, fleet, store, catalog } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    fleet.set('10', 'main', someFiles('b'));
    fleet.set('7', 'new', null);
    fleet.files.push({ path: 'keys/k1.json', text: '{}' });
    const handle = new TestHandle();
    const { manifest, sessions } = await makeBackup(parts, handle);
    expect(sessions).toEqual({ copied: 3, carried: 0, missed: 0 });
    expect(manifest.id).toBe('20261122T090003Z');
    expect(contents(manifest)).toEqual(['7/main', '7/new', '10/main']);
    expect(manifest.fleet).toEqual([{ path: 'keys/k1.json', text: '{}' }]);
    expect(await catalog.read(manifest.id)).toEqual(manifest);
    const needed = manifest.sessions.flatMap(({ archive, pieces }) => [
      ...pieces,
      ...(archive ? [archive] : []),
    ]);
    expect(needed.length).toBeGreaterThanOrEqual(4);
    for (const ref of needed)
      expect(store.objects.get(objectKey(ref))?.content.length, ref.sha256).toBe(ref.stored);
    expect(manifest.sent_bytes).toBe(needed.reduce((sum, { stored }) => sum + stored, 0));
    expect(store.requests.at(-2) ?? '', store.requests.join('\n')).toMatch(/manifests/);
    expect(handle.now).toMatchObject({ done: 3, total: 3, failed: 0, bytes: manifest.sent_bytes });
    expect(fleet.open).toBe(0);
  });

  it('sends nothing for sessions that have not changed, and asks the store nothing about their objects', async () => {
    const { parts, fleet, store, hour } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    fleet.set('7', 'busy', someFiles('b'));
    const first = await makeBackup(parts, new TestHandle());
    hour();
    fleet.set('7', 'busy', someFiles('b', 'a message more'));
    store.requests.length = 0;
    fleet.asked.length = 0;
    const second = await makeBackup(parts, new TestHandle());
    expect(second.manifest.sent_objects).toBe(1);
    expect(fleet.asked.filter((asked) => /archive|piece/.test(asked))).toEqual(['archive 7/busy']);
    expect(store.requests.filter((request) => request.startsWith('put objects'))).toHaveLength(1);
    const idle = (manifest: Manifest) => manifest.sessions.find(({ record }) => record.session_id === 'main');
    expect(idle(second.manifest)?.archive).toEqual(idle(first.manifest)?.archive);
    expect(idle(second.manifest)?.pieces).toEqual(idle(first.manifest)?.pieces);
  });

  it('tries a session that failed once more, later in the run', async () => {
    const { parts, fleet } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    fleet.set('7', 'other', someFiles('b'));
    let tries = 0;
    fleet.before = (asked) => {
      if (asked !== 'copy 7/main') return;
      tries += 1;
      if (tries === 1) throw refused;
    };
    const handle = new TestHandle();
    const { manifest } = await makeBackup(parts, handle);
    expect(contents(manifest)).toEqual(['7/main', '7/other']);
    expect(fleet.asked.indexOf('copy 7/other')).toBeLessThan(fleet.asked.lastIndexOf('copy 7/main'));
    expect(handle.progress).toContainEqual({ done: 1, failed: 1 });
    expect(handle.now).toMatchObject({ done: 2, failed: 0 });
    expect(handle.findings).toEqual([]);
  });

  it('carries what fails twice over from the backup before, and names what no backup has', async () => {
    const { parts, fleet, hour } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    fleet.set('7', 'other', someFiles('b'));
    const first = await makeBackup(parts, new TestHandle());
    hour();
    fleet.set('7', 'fresh', someFiles('c'));
    fleet.before = (asked) => {
      if (asked === 'copy 7/main' || asked === 'copy 7/fresh') throw refused;
    };
    const handle = new TestHandle();
    const second = await makeBackup(parts, handle);
    expect(second.sessions).toEqual({ copied: 1, carried: 1, missed: 1 });
    expect(contents(second.manifest)).toEqual(['carried 7/main', '7/other', 'missed 7/fresh']);
    const before = first.manifest.sessions[0];
    expect(second.manifest.sessions[0]).toEqual({ ...before, carried: refused.message });
    expect(handle.findings).toEqual([
      expect.stringMatching(/fresh of workspace 7 is not in this backup.*just starting/),
      expect.stringMatching(/main of workspace 7 stands as it was at 20.*just starting/),
    ]);
    // And what was carried once is carried again, as it was at first.
    hour();
    const third = await makeBackup(parts, new TestHandle());
    expect(third.manifest.sessions[0]?.taken_at).toBe(before?.taken_at);
  });

  it('drops sessions that were deleted before or during the run', async () => {
    const { parts, fleet, hour } = runParts();
    for (const id of ['before', 'during', 'stays']) fleet.set('7', id, someFiles(id));
    await makeBackup(parts, new TestHandle());
    hour();
    fleet.delete('7', 'before');
    fleet.before = (asked) => {
      if (asked === 'copy 7/during') fleet.delete('7', 'during');
    };
    const handle = new TestHandle();
    const { manifest } = await makeBackup(parts, handle);
    expect(contents(manifest)).toEqual(['7/stays']);
    expect(handle.findings).toEqual([]);
  });

  it('keeps sessions whose directories are gone, though nobody deleted them', async () => {
    const { parts, fleet, hour } = runParts();
    fleet.set('7', 'lost', someFiles('a'));
    fleet.set('7', 'stays', someFiles('b'));
    await makeBackup(parts, new TestHandle());
    hour();
    fleet.sessions.delete('7/lost');
    const handle = new TestHandle();
    expect(contents((await makeBackup(parts, handle)).manifest)).toEqual(['carried 7/lost', '7/stays']);
    expect(handle.findings).toEqual([expect.stringMatching(/lost.*nothing there tells that it was deleted/)]);
    // Until it is restored and deleted as sessions are.
    hour();
    fleet.set('7', 'lost', someFiles('a'));
    fleet.delete('7', 'lost');
    expect(contents((await makeBackup(parts, new TestHandle())).manifest)).toEqual(['7/stays']);
  });

  it('keeps a lost session that was deleted once, and made anew and backed up since', async () => {
    const { parts, fleet, hour } = runParts();
    fleet.set('7', 'lost', someFiles('a'));
    fleet.set('7', 'stays', someFiles('b'));
    fleet.deleted.set('7/lost', Date.now() - 2 * 3_600_000);
    await makeBackup(parts, new TestHandle());
    hour();
    fleet.sessions.delete('7/lost');
    expect(contents((await makeBackup(parts, new TestHandle())).manifest)).toEqual([
      'carried 7/lost',
      '7/stays',
    ]);
    // The same where it goes while the backup is being made.
    hour();
    fleet.set('7', 'lost', someFiles('a'));
    await makeBackup(parts, new TestHandle());
    hour();
    fleet.before = (asked) => {
      if (asked === 'copy 7/lost') fleet.sessions.delete('7/lost');
    };
    expect(contents((await makeBackup(parts, new TestHandle())).manifest)).toContain('carried 7/lost');
  });

  it('makes no backup of a session path on which all sessions are gone', async () => {
    const { parts, fleet, catalog, hour } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    const first = await makeBackup(parts, new TestHandle());
    hour();
    fleet.sessions.clear();
    await expect(makeBackup(parts, new TestHandle())).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/has no sessions, but the last backup has 1.*mounted/),
    });
    expect((await catalog.list()).map(({ id }) => id)).toEqual([first.manifest.id]);
    // Deleted one by one they may all be gone.
    fleet.deleted.set('7/main', Date.now());
    expect(contents((await makeBackup(parts, new TestHandle())).manifest)).toEqual([]);
  });

  it('makes no backup where not one session can be copied', async () => {
    const { parts, fleet, catalog } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    fleet.before = (asked) => {
      if (asked.startsWith('copy')) throw refused;
    };
    await expect(makeBackup(parts, new TestHandle())).rejects.toThrow(/None of 1 sessions.*just starting/);
    expect(await catalog.list()).toEqual([]);
  });

  it('makes a backup of a fleet that has no sessions yet', async () => {
    const { parts } = runParts();
    expect((await makeBackup(parts, new TestHandle())).manifest.sessions).toEqual([]);
  });

  it('puts a copy of another session in no backup', async () => {
    const { parts, fleet } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    fleet.set('8', 'main', someFiles('b'));
    const copy = parts.instances.copy.bind(fleet);
    parts.instances = {
      owners: () => fleet.owners(),
      copy: (name, have, signal) => copy({ ...name, workspace: '8' }, have, signal),
    };
    const { manifest } = await makeBackup(parts, new TestHandle());
    expect(contents(manifest)).toEqual(['8/main', 'missed 7/main']);
  });

  it('puts objects anew that were found damaged', async () => {
    const { parts, fleet, store, hour } = runParts();
    fleet.set('7', 'main', someFiles('a'));
    const { manifest } = await makeBackup(parts, new TestHandle());
    const [piece] = manifest.sessions[0]?.pieces ?? [];
    if (!piece) throw new Error('no piece');
    const stored = store.objects.get(objectKey(piece));
    const good = Buffer.from(stored?.content ?? '');
    stored?.content.fill(0);
    hour();
    await makeBackup(parts, new TestHandle());
    expect(stored?.content, 'nobody knew').not.toEqual(good);
    hour();
    parts.distrusted.add(piece.sha256);
    await makeBackup(parts, new TestHandle());
    expect(store.objects.get(objectKey(piece))?.content).toEqual(good);
    expect(parts.distrusted.has(piece.sha256)).toBe(false);
  });

  it('copies at most two sessions of an instance at one time', async () => {
    const { parts, fleet } = runParts({ concurrency: 8 });
    fleet.assigned.set('1', 'instance-1').set('2', 'instance-2');
    for (let n = 0; n < 6; n += 1) {
      fleet.set('1', `s${n}`, null);
      fleet.set('2', `s${n}`, null);
    }
    const active = new Map<string, number>();
    const most = new Map<string, number>();
    const copy = parts.instances.copy.bind(fleet);
    parts.instances = {
      owners: () => fleet.owners(),
      copy: async (name, have, signal) => {
        const now = (active.get(name.workspace) ?? 0) + 1;
        active.set(name.workspace, now);
        most.set(name.workspace, Math.max(most.get(name.workspace) ?? 0, now));
        await new Promise((resolve) => setTimeout(resolve, 5));
        active.set(name.workspace, now - 1);
        return await copy(name, have, signal);
      },
    };
    await makeBackup(parts, new TestHandle());
    expect(Object.fromEntries(most)).toEqual({ 1: 2, 2: 2 });
  });
});
