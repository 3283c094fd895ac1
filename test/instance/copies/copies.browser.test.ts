import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import type { EmulatedWhatsApp } from '../../helpers/emulated-whatsapp.ts';
import type { FetchedCopies, FetchedCopy } from '../../helpers/fetched-copies.ts';
import { copiesOf } from '../../helpers/host-copies.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp, sessionHost } from '../whatsapp/quirks/setup.ts';

const PHONE = '491700000081';
const FRIEND = '491700000082';

/** Starts a copy as the only session of another host, and returns when it is ready; throws where it asks for a QR. */
async function startsFrom(
  whatsapp: EmulatedWhatsApp,
  store: FetchedCopies,
  copy: FetchedCopy,
): Promise<string[]> {
  const root = await temporaryDirectory();
  const paths = new SessionPaths(root);
  const { record } = copy.answer;
  const name = { workspace: record.workspace_id, session: record.session_id, generation: 1 };
  await store.assemble(copy, paths.userData(name));
  const file = paths.sessionRecord(name.workspace, name.session);
  await writeFile(file, JSON.stringify({ ...record, generation: 1, should_run: false }), { mode: 0o600 });
  const host = await sessionHost(whatsapp, { root });
  await host.granting.give('7');
  await host.manager.start('7', 'main');
  await host.reaches(host.session(), 'ready');
  await host.manager.stop('7', 'main');
  return host.history;
}

describe('copies of a session whose browser runs', () => {
  it('taken while messages come and go each start without a QR', async () => {
    const whatsapp = await emulatedWhatsApp({ delivered_delay_ms: null });
    const host = await sessionHost(whatsapp);
    const session = await host.linked(PHONE);
    const store = await copiesOf(host);
    let goesOn = true;
    const messages = (async () => {
      for (let index = 0; goesOn; index += 1)
        await whatsapp.post('/deliver', {
          phone: PHONE,
          from: FRIEND,
          body: `text ${index} ${'x'.repeat(3000)}`,
        });
    })();
    const taken: FetchedCopy[] = [];
    for (let count = 0; count < 3; count += 1) taken.push(await store.take());
    goesOn = false;
    await messages;
    expect(session.status).toBe('ready');
    await host.manager.stop('7', 'main');
    for (const copy of taken) {
      expect(copy.answer).toMatchObject({
        live: true,
        frozen_ms: expect.any(Number),
        record: { linked: true },
      });
      const history = await startsFrom(whatsapp, store, copy);
      expect(history).not.toContain('main qr');
    }
  }, 180_000);

  it('does not hold up who stops it, and is whole all the same', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    await host.linked(PHONE);
    const store = await copiesOf(host);
    await store.take();
    const copying = store.take();
    await host.manager.stop('7', 'main');
    expect(host.session().status).toBe('stopped');
    const history = await startsFrom(whatsapp, store, await copying);
    expect(history).not.toContain('main qr');
  });

  it('of one that rests is the same archive each time, and nothing of it is fetched again', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp);
    await host.linked(PHONE);
    await host.manager.stop('7', 'main');
    const store = await copiesOf(host);
    const first = await store.take();
    const { fetched } = store;
    const second = await store.take();
    expect(first.answer).toMatchObject({ live: false, frozen_ms: null });
    expect(second.archive.equals(first.archive)).toBe(true);
    expect(store.fetched).toBe(fetched);
    // An instance that was started anew remembers nothing.
    const anew = await copiesOf(host);
    expect((await anew.take()).answer.archive).toEqual(first.answer.archive);
  });
});
