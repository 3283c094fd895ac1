import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mediaIdOf, receivedMediaPath } from '../../../fleet/media/media-ids.ts';
import type { FakeInstance } from '../../helpers/fake-instance.ts';
import { startFleet, type TestFleet } from '../../helpers/router.ts';

const sales = { workspace: '7', session: 'sales' };

let fleet: TestFleet;
let instance: FakeInstance;
let seven: string;
/** What the instance is asked to bring from WhatsApp, and what it does then. */
let asked: URL[];
let bring: (whatsappId: string) => Promise<{ status: number; body: object }>;
let count = 0;
const newMessage = () =>
  `false_491701234567@c.us_3EB0${(count++).toString(16).toUpperCase().padStart(4, '0')}`;

beforeAll(async () => {
  fleet = await startFleet({ moveHoldTime: 200, holdTime: 200 });
  await fleet.addInstance('instance-1');
  instance = await fleet.addInstance('instance-2');
  await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 7, session_id: 'sales' } });
  seven = (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: 7 } })).json.key;
  instance.intercept = async (request, response) => {
    const url = new URL(request.url ?? '', 'http://instance');
    if (request.method !== 'POST' || !url.pathname.endsWith('/media')) return false;
    asked.push(url);
    const { status, body } = await bring(url.searchParams.get('whatsapp_id') ?? '');
    response.writeHead(status, {
      'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
    });
    response.end(JSON.stringify(body));
    return true;
  };
});
afterAll(() => fleet.close());
beforeEach(() => {
  asked = [];
  bring = async (whatsappId) => ({
    status: 200,
    body: await fleet.router.services.media.put(
      '7',
      Readable.from([Buffer.from(`file of ${whatsappId}`)]),
      { mimetype: 'image/jpeg', filename: null },
      1000,
      mediaIdOf(sales, whatsappId),
    ),
  });
});

const problem = (status: number, code: string) => ({
  status,
  body: { type: `urn:wharf:error:${code}`, title: code, status, detail: 'why', code, request_id: 'x' },
});

describe("a received message's media", () => {
  it("is brought from WhatsApp when its event's url is asked for, once", async () => {
    const message = newMessage();
    const path = receivedMediaPath(sales, message);
    for (const key of [seven, undefined, seven]) {
      const file = await fleet.ask('GET', path, key === undefined ? {} : { key });
      expect([file.status, file.text]).toEqual([200, `file of ${message}`]);
      expect(file.headers.get('content-type')).toBe('image/jpeg');
    }
    expect(asked).toHaveLength(1);
    expect(asked[0]?.pathname).toBe('/workspaces/7/sessions/sales/media');
    // From then on its id says enough.
    expect(
      (await fleet.ask('GET', `/api/whatsapp/media/${mediaIdOf(sales, message)}`, { key: seven })).status,
    ).toBe(200);
  });

  it('is not to be had by its id alone before', async () => {
    const file = await fleet.ask('GET', `/api/whatsapp/media/${mediaIdOf(sales, newMessage())}`, {
      key: seven,
    });
    expect(file.json).toMatchObject({ status: 404, code: 'media_not_found' });
    expect(asked).toEqual([]);
  });

  it('gets a link that works for who has no key', async () => {
    const message = newMessage();
    const path = receivedMediaPath(sales, message).replace('?', '/link?');
    const link = await fleet.ask('POST', path, { key: seven, body: {} });
    expect(link.status).toBe(201);
    expect((await fleet.ask('GET', link.json.url, { key: null })).text).toBe(`file of ${message}`);
    expect(asked).toHaveLength(1);
  });

  it('is asked for under no other id, session or workspace than its own', async () => {
    const message = newMessage();
    const path = receivedMediaPath(sales, message);
    for (const changed of [
      path.replace(encodeURIComponent(message), encodeURIComponent(newMessage())),
      path.replace('session_id=sales', 'session_id=other'),
      path.replace('workspace_id=7', 'workspace_id=8'),
      path.replace(/med_[0-9a-f]{4}/, 'med_0000'),
    ]) {
      expect(changed).not.toBe(path);
      const file = await fleet.ask('GET', changed, { key: seven });
      expect(file.json).toMatchObject({ status: 404, code: 'media_not_found' });
    }
    for (const bad of ['../../restart', 'x', 'false_1@c.us_A%0d%0aX: y'])
      expect((await fleet.ask('GET', path.replace(/false_[^&]*/, bad), { key: seven })).status).toBe(400);
    expect(asked).toEqual([]);
  });

  it.each([
    [404, 'media_not_found'],
    [422, 'media_unreachable'],
    [422, 'media_too_large'],
  ] as const)('that WhatsApp does not give is told as it is: %i %s', async (status, code) => {
    bring = async () => problem(status, code);
    const file = await fleet.ask('GET', receivedMediaPath(sales, newMessage()), { key: seven });
    expect(file.json).toMatchObject({ status, code });
  });

  it('of a session that is not ready, or not there, is told so, with what to do', async () => {
    bring = async () => problem(409, 'session_not_ready');
    const resting = await fleet.ask('GET', receivedMediaPath(sales, newMessage()), { key: seven });
    expect(resting.json).toMatchObject({ status: 409, code: 'session_not_ready' });
    bring = async () => problem(404, 'session_not_found');
    const gone = await fleet.ask('GET', receivedMediaPath(sales, newMessage()), { key: seven });
    expect(gone.json).toMatchObject({ status: 404, code: 'session_not_found' });
    const nobody = receivedMediaPath({ workspace: '99', session: 'sales' }, newMessage());
    expect((await fleet.ask('GET', nobody)).json).toMatchObject({ status: 404, code: 'session_not_found' });
  });
});
