import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { KEY, RestoreBench } from './restore-bench.ts';

/** Another owner of the workspace, with a generation of its own; the session was ready on it. */
async function takeOver(root: string): Promise<RestoreBench> {
  const bench = new RestoreBench(root, { takenOver: true });
  onTestFinished(() => bench.close());
  await bench.run();
  await eventually(() => bench.clients.running === 1 && bench.started.length === 1);
  bench.clients.last.becomeReady();
  await eventually(() => bench.session.status === 'ready');
  return bench;
}

it('a restored profile that comes up without its link is not replaced by one of an earlier generation, which has another link', async () => {
  const root = await temporaryDirectory();
  const first = new RestoreBench(root);
  await first.link('now');
  await first.close();
  for (const _ of [2, 3]) await (await takeOver(root)).close();
  const bench = await takeOver(root);
  const { session } = bench;
  const { link_id } = session.record;
  expect(session.record.generation).toBe(4);

  await bench.prepare({ ...session.record, link_id: 'dead' }, 'old', { forced: true });
  await bench.restores.restore(KEY, false);
  await eventually(() => bench.started.at(-1) === 'old');
  bench.clients.last.events.qr('a QR');
  await eventually(() => session.status !== 'starting' && session.status !== 'disconnected');
  expect(session.status).toBe('logged_out');
  expect(session.record).toMatchObject({ linked: false, link_id: null, link_ended: 'lost' });
  expect(bench.started).toEqual(['now', 'old']);

  await bench.undos.undo(KEY, false);
  await eventually(() => bench.started.at(-1) === 'now');
  expect(session.record).toMatchObject({ linked: true, link_id, restored_at: null });
}, 30_000);
