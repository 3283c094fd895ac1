import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../helpers/eventually.ts';
import { browsersUnder } from '../../../helpers/processes.ts';
import { temporaryDirectory } from '../../../helpers/temp-dir.ts';
import { emulatedWhatsApp, sessionHost } from './setup.ts';

const PHONE = '491700000095';

describe('a linked session that goes to another host', () => {
  it('is ready there without a QR, in a generation of its own with exactly the files that were released', async () => {
    const whatsapp = await emulatedWhatsApp();
    const root = await temporaryDirectory();
    const first = await sessionHost(whatsapp, { root });
    await first.linked(PHONE);
    expect(await first.manager.workspaces.release('7', 1)).toBe(true);
    expect(await browsersUnder(root)).toEqual([]);
    expect(
      await readdir(first.paths.generation({ workspace: '7', session: 'main', generation: 1 })),
    ).toContain('wharf-release.json');

    const second = await sessionHost(whatsapp, { root, takenOver: { released: true } });
    await second.reaches(second.session(), 'ready');
    expect(second.times('qr')).toBe(0);
    expect(second.session().record).toMatchObject({ generation: 2, linked: true });
    expect(second.logged('took the profile over')).toMatchObject([{ exact: true, generation: 2 }]);
    expect(second.logged('torn ends')).toEqual([]);
  });

  it('is ready there without a QR where the host before was killed in its work', async () => {
    const whatsapp = await emulatedWhatsApp();
    const root = await temporaryDirectory();
    const first = await sessionHost(whatsapp, { root });
    await first.linked(PHONE);
    for (const { pid } of await browsersUnder(root)) process.kill(-pid, 'SIGKILL');
    await first.manager.workspaces.kill('7', 1);

    const second = await sessionHost(whatsapp, { root, takenOver: { released: false } });
    await second.reaches(second.session(), 'ready');
    expect(second.times('qr')).toBe(0);
    expect(second.session().record).toMatchObject({ generation: 2, linked: true });
    // What the first one still holds in memory is nobody's.
    expect(() => first.session()).toThrow(expect.objectContaining({ code: 'not_owner' }));
    await second.manager.restart('7', 'main');
    await eventually(() => second.times('ready') === 2);
    expect(second.times('qr')).toBe(0);
  });
});
