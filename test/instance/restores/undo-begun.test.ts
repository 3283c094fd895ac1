import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { trashEntryName } from '../../../fleet/session-paths.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { KEY, RestoreBench } from './restore-bench.ts';

/** A session that was restored; the undoing of that was begun, and cut off before it moved anything. */
async function begun() {
  const bench = new RestoreBench(await temporaryDirectory());
  onTestFinished(() => bench.close());
  const session = await bench.link('now');
  const { link_id } = session.record;
  await bench.prepare({ ...session.record, link_id: 'of the copy' }, 'old', { forced: true });
  const { trash } = await bench.restores.restore(KEY, false);
  await eventually(() => bench.started.at(-1) === 'old');
  const entry = trashEntryName({ time: Date.now() + 1, session: 'main', generation: 1 });
  await mkdir(join(bench.paths.trash('7'), entry), { mode: 0o700 });
  const path = join(bench.paths.trash('7'), trash ?? '', 'wharf-restore.json');
  const note = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...note, undo: { trash: entry, placed: [1] } }));
  return { bench, session, link_id };
}

it('an undoing that was begun is refused all the same where the session was linked anew since', async () => {
  const { bench, session } = await begun();
  await bench.manager.logout('7', 'main');
  await bench.manager.start('7', 'main');
  await eventually(() => bench.clients.running === 1 && bench.started.at(-1) === 'none');
  bench.clients.last.events.qr('a QR');
  bench.clients.last.events.authenticated();
  await expect(bench.undos.undo(KEY, false)).rejects.toMatchObject({ extra: { refusal: 'relinked' } });
  bench.clients.last.becomeReady();
  await eventually(() => session.record.link_id);
  await expect(bench.undos.undo(KEY, false)).rejects.toMatchObject({ extra: { refusal: 'relinked' } });
  expect(bench.clients.running).toBe(1);
});

it('an undoing that was begun goes on where the record is that of before already', async () => {
  const { bench, session, link_id } = await begun();
  expect(session.record.link_id).toBe('of the copy');
  await session.goOnWith({ link_id: link_id ?? null }, null);
  await bench.undos.undo(KEY, false);
  await eventually(() => bench.started.at(-1) === 'now');
  expect(session.record).toMatchObject({ linked: true, link_id });
});
