import { rm } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { KEY, RestoreBench } from './restore-bench.ts';

it('is refused while somebody links the session, whose QR was scanned already, and stops nothing', async () => {
  const bench = new RestoreBench(await temporaryDirectory());
  onTestFinished(() => bench.close());
  const session = await bench.link('now');
  const backup = { ...session.record };
  await rm(bench.profile(), { recursive: true });
  await bench.manager.restart('7', 'main');
  await eventually(() => bench.started.length === 2);
  bench.clients.last.events.qr('a QR');
  await eventually(() => session.status === 'logged_out');
  await bench.manager.start('7', 'main');
  await eventually(() => bench.started.length === 3 && bench.clients.running === 1);
  bench.clients.last.events.qr('a QR');
  bench.clients.last.events.authenticated();
  expect(session.status).toBe('authenticated');
  await bench.prepare(backup);
  await expect(bench.restores.restore(KEY, false)).rejects.toMatchObject({
    code: 'restore_refused',
    extra: { refusal: 'relinked' },
  });
  expect(session.status).toBe('authenticated');
  expect(bench.started).toHaveLength(3);
});
