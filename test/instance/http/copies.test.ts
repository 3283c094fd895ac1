import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sessionCopySchema } from '../../../fleet/backup/session-copy.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectProblem, InstanceApi, MAIN } from '../helpers/instance-api.ts';

const DATABASE = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';
const FILES = {
  [`${DATABASE}/CURRENT`]: 'MANIFEST-000001\n',
  [`${DATABASE}/000003.log`]: 'log',
  [`${DATABASE}/000005.ldb`]: 'table '.repeat(10_000),
};

/** An instance's API with a linked session that rests, and its profile. */
async function restingSession(): Promise<InstanceApi> {
  const api = await InstanceApi.start();
  onTestFinished(() => api.close());
  await api.createReady();
  await eventually(() => api.manager.get('7', 'main').record.link_id);
  await api.ask('POST', `${MAIN}/stop`);
  const { generation } = api.manager.get('7', 'main').record;
  const userData = api.paths.userData({ workspace: '7', session: 'main', generation });
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(userData, path)), { recursive: true });
    await writeFile(join(userData, path), content);
  }
  return api;
}

describe('copies, as the backup service asks for them', () => {
  it('are made, fetched by their pieces and their archive, and ended', async () => {
    const api = await restingSession();
    const made = await api.ask('POST', `${MAIN}/copies`, {});
    expect(made.status).toBe(201);
    const copy = sessionCopySchema.parse(made.json);
    expect(copy).toMatchObject({ live: false, files: 3, record: { linked: true, session_id: 'main' } });
    expect(copy.pieces).toHaveLength(1);
    const path = `${MAIN}/copies/${copy.copy}`;
    const piece = await api.ask('GET', `${path}/pieces/${copy.pieces[0]?.sha256}`);
    expect(piece.text).toBe(FILES[`${DATABASE}/000005.ldb`]);
    expect(piece.headers).toMatchObject({ 'content-length': '60000', 'cache-control': 'no-store' });
    const archive = await api.ask('GET', `${path}/archive`);
    expect(archive.headers['content-length']).toBe(String(copy.archive?.size));
    expect(createHash('sha256').update(archive.text).digest('hex')).toBe(copy.archive?.sha256);
    expect((await api.ask('DELETE', path)).status).toBe(200);
    expect((await api.ask('DELETE', path)).status).toBe(200);
    expectProblem(await api.ask('GET', `${path}/archive`), 404, 'not_found');
  });

  it('hold no piece that the store has, however many that are', async () => {
    const api = await restingSession();
    const [piece] = sessionCopySchema.parse((await api.ask('POST', `${MAIN}/copies`, {})).json).pieces;
    const have = Array.from({ length: 19_999 }, (_, index) => index.toString(16).padStart(64, '0'));
    const body = { have: [...have, piece?.sha256] };
    const copy = sessionCopySchema.parse((await api.ask('POST', `${MAIN}/copies`, body)).json);
    expect(copy.pieces).toEqual([piece]);
    expectProblem(
      await api.ask('GET', `${MAIN}/copies/${copy.copy}/pieces/${piece?.sha256}`),
      404,
      'not_found',
    );
  });

  it('are refused to strangers, of sessions that are not here, and for what is no name', async () => {
    const api = await restingSession();
    expectProblem(await api.ask('POST', `${MAIN}/copies`, {}, {}), 401, 'unauthorized');
    const other = MAIN.replace('main', 'other');
    expectProblem(await api.ask('POST', `${other}/copies`, {}), 404, 'session_not_found');
    expectProblem(await api.ask('POST', `${MAIN.replace('7', '8')}/copies`, {}), 421, 'not_owner');
    expectProblem(await api.ask('POST', `${MAIN}/copies`, { have: ['..'] }), 400, 'invalid_request');
    const have = Array.from({ length: 20_001 }, () => 'a'.repeat(64));
    expectProblem(await api.ask('POST', `${MAIN}/copies`, { have }), 400, 'invalid_request');
    expectProblem(await api.ask('GET', `${MAIN}/copies/..%2f..%2fetc/archive`), 400, 'invalid_request');
    const none = `${MAIN}/copies/${'a'.repeat(24)}`;
    expectProblem(await api.ask('GET', `${none}/archive`), 404, 'not_found');
    expectProblem(await api.ask('GET', `${none}/pieces/..%2f..%2fetc%2fpasswd`), 400, 'invalid_request');
  });

  it('of a session that is not linked are its record alone', async () => {
    const api = await InstanceApi.start();
    onTestFinished(() => api.close());
    await api.create();
    await eventually(() => api.clients.running === 1);
    await api.ask('POST', `${MAIN}/stop`);
    const copy = sessionCopySchema.parse((await api.ask('POST', `${MAIN}/copies`, {})).json);
    expect(copy).toMatchObject({ copy: null, archive: null, record: { linked: false } });
  });

  it('of a session that is stopped or logged out meanwhile hold nobody up', async () => {
    const api = await restingSession();
    const asked = Array.from({ length: 4 }, () => api.ask('POST', `${MAIN}/copies`, {}));
    const stopped = await api.ask('POST', `${MAIN}/logout`);
    expect(stopped.json['status']).toBe('logged_out');
    for (const { status, json } of await Promise.all(asked)) {
      // Made before the logout, refused in its midst, or of the record alone after it.
      expect([201, 409]).toContain(status);
      if (status === 201 && json['copy'] === null) expect(json['record']).toMatchObject({ linked: false });
    }
  });
});
