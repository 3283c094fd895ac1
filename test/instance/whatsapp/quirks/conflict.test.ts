import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../helpers/eventually.ts';
import { browsersUnder } from '../../../helpers/processes.ts';
import { temporaryDirectory } from '../../../helpers/temp-dir.ts';
import { emulatedWhatsApp, linkClient, sessionHost, watchedClient } from './setup.ts';

const PHONE = '491700000013';

interface Connections {
  connections: { disconnected_at: string | null; reason: string | null; device: string | null }[];
}

/** All a session needs (facts file, 15). */
async function copySession(from: string, to: string): Promise<void> {
  for (const part of ['IndexedDB', 'Local Storage']) {
    await mkdir(join(to, 'Default'), { recursive: true });
    await cp(join(from, 'Default', part), join(to, 'Default', part), {
      recursive: true,
      filter: (path) => !path.endsWith('LOCK'),
    });
  }
}

/** Facts file, 13 and 15. */
describe('a copy of a profile', () => {
  it('of nothing but IndexedDB and Local Storage brings the session back without a QR', async () => {
    const whatsapp = await emulatedWhatsApp();
    const [profile, copy] = [await temporaryDirectory(), await temporaryDirectory()];
    const first = await watchedClient(whatsapp, profile);
    await linkClient(whatsapp, first, PHONE);
    expect(await first.client.stop()).toBe(true);
    await copySession(join(profile, 'session-main'), join(copy, 'session-main'));

    const second = await watchedClient(whatsapp, copy);
    await second.client.start();
    await eventually(() => second.ready.length > 0);
    expect(second.qrs).toEqual([]);
    expect(second.ready).toEqual(first.ready);
  });

  it('started beside its original takes the connection: the original is lost by conflict, ends its browser, and does not take over', async () => {
    const whatsapp = await emulatedWhatsApp();
    const [profile, copy] = [await temporaryDirectory(), await temporaryDirectory()];
    const linking = await watchedClient(whatsapp, profile);
    await linkClient(whatsapp, linking, PHONE);
    expect(await linking.client.stop()).toBe(true);
    await copySession(join(profile, 'session-main'), join(copy, 'session-main'));

    const original = await watchedClient(whatsapp, profile);
    await original.client.start();
    await eventually(() => original.ready.length > 0);
    const beside = await watchedClient(whatsapp, copy);
    await beside.client.start();
    await eventually(() => beside.ready.length > 0);
    await eventually(() => original.losses.length > 0);
    expect(original.losses).toEqual(['conflict']);

    await original.client.stop();
    expect(await browsersUnder(profile)).toEqual([]);
    await beside.client.ping();
    expect(beside.losses).toEqual([]);
    const { connections } = await whatsapp.get<Connections>(`/connections?phone=${PHONE}`);
    expect(connections.filter(({ reason }) => reason === 'replaced')).toHaveLength(1);
    expect(connections.filter(({ disconnected_at }) => disconnected_at === null)).toHaveLength(1);
  });

  it('makes a session wait before it starts again: two browsers must not throw each other out without end', async () => {
    const whatsapp = await emulatedWhatsApp();
    const host = await sessionHost(whatsapp, { backoff: { base: 700 } });
    const session = await host.linked(PHONE);
    await host.manager.stop('7', 'main');
    const copy = await temporaryDirectory();
    await copySession(host.paths.userData(host.generation(session)), join(copy, 'session-main'));
    await host.manager.start('7', 'main');
    await host.reaches(session, 'ready');

    const beside = await watchedClient(whatsapp, copy);
    await beside.client.start();
    await eventually(() => beside.ready.length > 0);
    await eventually(() => host.pauses().length > 0);
    expect(host.logged('was lost')[0]).toMatchObject({ reason: 'conflict', retry_in_ms: 700 });
  });
});
