import { describe, expect, it } from 'vitest';
import { StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import { gzip } from '../../../backup/objects/gzip.ts';
import { StoredObjects } from '../../../backup/objects/stored-objects.ts';
import { type BackupRunParts, makeBackup } from '../../../backup/run/backup-run.ts';
import { Distrusted } from '../../../backup/run/distrusted.ts';
import { systemClock } from '../../../common/clock.ts';
import { makeCopy, type SessionFiles, someFiles } from '../../helpers/copyable-sessions.ts';
import { runParts, TestHandle } from './run-parts.ts';

const signal = new AbortController().signal;

/** What a service has that was started after another one died: what is in the store, and nothing of what that one knew. */
function nextService({ parts, store }: ReturnType<typeof runParts>): BackupRunParts {
  return {
    ...parts,
    catalog: new StoredCatalog(store),
    objects: new StoredObjects(store, gzip, [], systemClock),
    distrusted: new Distrusted(),
  };
}

/** Every manifest that is there, by id; throws where one lacks an object, or has one that is not what it names. */
async function requireAllWhole({ parts, store }: ReturnType<typeof runParts>, about: string) {
  const objects = new StoredObjects(store, gzip, [], systemClock);
  const ids: string[] = [];
  for (const { id } of await parts.catalog.list()) {
    for (const { pieces, archive } of (await parts.catalog.read(id)).sessions)
      for (const ref of archive ? [...pieces, archive] : pieces)
        expect(await objects.check(ref, signal), `${about}: ${ref.sha256} of ${id}`).toBeNull();
    ids.push(id);
  }
  return ids;
}

/** Sessions, some of which changed, came and went since the backup before, if there was one. */
async function aFleet(hasBackup: boolean) {
  const run = runParts();
  const { fleet, parts, hour } = run;
  const files = new Map<string, SessionFiles>();
  const set = (workspace: string, changed: SessionFiles) => {
    fleet.set(workspace, 'main', changed);
    files.set(workspace, changed);
  };
  for (const workspace of ['1', '2', '3']) set(workspace, someFiles(workspace));
  const before = hasBackup ? [(await makeBackup(parts, new TestHandle())).manifest.id] : [];
  hour();
  set('2', someFiles('2', 'more'));
  set('4', someFiles('4'));
  set('5', null);
  if (hasBackup) {
    fleet.delete('3', 'main');
    files.delete('3');
  }
  return { run, files, before };
}

describe('a service that dies in a run', () => {
  it.each([
    ['its first', false],
    ['a later one', true],
  ])(
    'leaves no backup without its objects, and the next service makes a whole one, before whatever request to the store it dies: %s',
    async (_, hasBackup) => {
      let deaths = 0;
      for (let death = 1; ; death += 1) {
        const { run, files, before } = await aFleet(hasBackup);
        const { store, parts, hour } = run;
        let requests = 0;
        // One that is dead asks for nothing more.
        store.before = () => {
          requests += 1;
          if (requests >= death) throw new Error('killed');
        };
        const made = await makeBackup(parts, new TestHandle()).catch(() => null);
        store.before = () => {};
        const about = `death before request ${death}`;
        const left = await requireAllWhole(run, about);
        expect(left, about).toEqual(expect.arrayContaining(before));
        expect(left.length, about).toBeLessThanOrEqual(before.length + 1);

        hour();
        const next = await makeBackup(nextService(run), new TestHandle());
        const ids = await requireAllWhole(run, `${about}, and the run after`);
        expect(ids.sort(), about).toEqual([...left, next.manifest.id].sort());
        expect(next.sessions, about).toEqual({ copied: files.size, carried: 0, missed: 0 });
        for (const session of next.manifest.sessions) {
          const workspace = session.record.workspace_id;
          const { answer } = await makeCopy({ workspace, session: 'main' }, files.get(workspace) ?? null);
          const hashes = (of: { sha256: string }[]) => of.map(({ sha256 }) => sha256);
          expect(hashes(session.pieces), `${about}, session of ${workspace}`).toEqual(hashes(answer.pieces));
          expect(session.archive?.sha256, `${about}, session of ${workspace}`).toBe(answer.archive?.sha256);
        }
        if (requests < death) {
          expect(made, 'the run that was let live').not.toBeNull();
          break;
        }
        deaths += 1;
      }
      expect(deaths, 'requests of a run').toBeGreaterThan(10);
    },
    120_000,
  );
});
