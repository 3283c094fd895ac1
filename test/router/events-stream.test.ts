import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WharfEvent } from '../../fleet/events/event.ts';
import type { Router } from '../../router/context.ts';
import { eventually } from '../helpers/eventually.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { SseReader } from '../helpers/sse.ts';
import { anEvent, receivedEvent } from '../helpers/wharf-events.ts';

const PATH = '/api/whatsapp/events';

let fleet: TestFleet;
let second: Router;
let ownKey: { key: string; key_id: string };
const readers: SseReader[] = [];

beforeAll(async () => {
  fleet = await startFleet();
  second = await fleet.addRouter();
  ownKey = await newKey('7');
});
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
});
afterAll(() => fleet.close());

async function newKey(workspace: string): Promise<{ key: string; key_id: string }> {
  return (await fleet.ask('POST', '/api/fleet/keys', { body: { workspace_id: workspace } })).json;
}

const append = (...events: WharfEvent[]) => fleet.router.services.events.append(events);

/** Follows, and comes back once the stream has begun. */
async function follow(query = '', key: string | null = ADMIN_KEY, after?: string, url = fleet.url) {
  const reader = await SseReader.open(`${url}${PATH}${query}`, {
    ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
    ...(after === undefined ? {} : { 'Last-Event-ID': after }),
  });
  readers.push(reader);
  await eventually(() => reader.frames.length > 0 || reader.response.status !== 200);
  return reader;
}

const texts = (reader: SseReader) =>
  reader.events.map(({ data }) => (data['data'] as { text?: string }).text ?? data['type']);

describe('who follows events', () => {
  it("gets a workspace's own with its key, and all of them and the fleet's with an admin's", async () => {
    const own = await follow('', ownKey.key);
    const all = await follow();
    const other = await follow('?workspace_id=8');
    await append(
      receivedEvent('a1', {}, '7'),
      receivedEvent('a2', {}, '8'),
      anEvent('instance.status', { instance: 'instance-1', status: 'dead', previous: 'healthy' }),
      receivedEvent('a3', {}, '7'),
    );
    await eventually(() => texts(all).length === 4 && texts(own).length === 2 && texts(other).length === 1);
    expect(texts(own)).toEqual(['text a1', 'text a3']);
    expect(texts(other)).toEqual(['text a2']);
    expect(texts(all)).toEqual(['text a1', 'text a2', 'instance.status', 'text a3']);
    expect(all.events[0]?.data['workspace_id']).toBe(7);
  });

  it('gets those of a session and of some types alone', async () => {
    const session = await follow('?session_id=sales', ownKey.key);
    const types = await follow('?workspace_id=7&types=workspace.moved,instance.status');
    await append(
      receivedEvent('b1', {}, '7', 'sales'),
      receivedEvent('b2', {}, '7', 'support'),
      anEvent('workspace.moved', { from: 'instance-1', to: 'instance-2', epoch: 9, why: 'drain' }, '7'),
    );
    await eventually(() => texts(session).length === 1 && texts(types).length === 1);
    expect(texts(session)).toEqual(['text b1']);
    expect(texts(types)).toEqual(['workspace.moved']);
  });

  it.each([
    ["another's workspace", '?workspace_id=8', 404, 'not_found'],
    ['a type that is none', '?types=message.recieved', 400, 'invalid_request'],
    ['a position that is none', '?last_event_id=evt_1', 400, 'invalid_request'],
    ['an unknown field', '?since=1', 400, 'invalid_request'],
  ])('is refused %s', async (_name, query, status, code) => {
    const answer = await fleet.ask('GET', PATH + query, { key: ownKey.key });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('is refused without a key, and a session that an admin did not say the workspace of', async () => {
    expect((await fleet.ask('GET', PATH, { key: null })).status).toBe(401);
    expect((await fleet.ask('GET', `${PATH}?session_id=nobody-has-it`)).json.code).toBe('session_not_found');
  });

  it('is let go when the key is revoked', async () => {
    const { key, key_id } = await newKey('7');
    const reader = await follow('', key);
    await fleet.ask('DELETE', `/api/fleet/keys/${key_id}`);
    await append(receivedEvent('c1'));
    await reader.ended;
    expect((await fleet.ask('GET', PATH, { key })).status).toBe(401);
  });
});

describe('a client that lost its router', () => {
  it('goes on at another one with nothing missing and nothing twice', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `d${index}`);
    const read: (string | undefined)[] = [];
    let position: string | undefined = await fleet.router.services.events.end();
    const writing = (async () => {
      for (const id of ids) {
        await append(receivedEvent(id));
        // As life does: events come at their own pace, while streams break.
        if (Number(id.slice(1)) % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const routers = [fleet.router, second];
    for (let turn = 0; read.length < ids.length; turn++) {
      const router = routers[turn % 2] as Router;
      const reader = await follow('', ownKey.key, position, router.server.url);
      const wanted = Math.min(40, ids.length - read.length);
      await eventually(() => reader.events.length >= wanted);
      // The connection is cut, as by a kill: nothing was said before.
      router.server.server.closeAllConnections();
      await reader.ended;
      read.push(...texts(reader).map((text) => text as string));
      position = reader.lastEventId;
    }
    await writing;
    expect(read).toEqual(ids.map((id) => `text ${id}`));
  });

  it('is sent away by a router that stops, and finds another', async () => {
    const third = await fleet.addRouter();
    const reader = await follow('', ownKey.key, undefined, third.server.url);
    expect(await third.close()).toBe(true);
    await reader.ended;
    await append(receivedEvent('e1'));
    const again = await follow('', ownKey.key, reader.lastEventId);
    await eventually(() => texts(again).length === 1);
  });
});

describe('a ticket', () => {
  const make = (body: object, key: string = ownKey.key) =>
    fleet.ask('POST', `${PATH}/tickets`, { body, key });

  it('opens a stream of what it was made for, at every router, without a key', async () => {
    const made = await make({ session_id: 'sales', types: ['message.received'] });
    expect(made.status).toBe(201);
    const reader = await follow(`?ticket=${made.json.ticket}`, null, undefined, second.server.url);
    expect(reader.response.headers.get('access-control-allow-origin')).toBe('*');
    await append(receivedEvent('f1', {}, '7', 'support'), receivedEvent('f2', {}, '7', 'sales'));
    await eventually(() => texts(reader).length === 1);
    expect(texts(reader)).toEqual(['text f2']);
  });

  it("is not made for another's workspace, and opens nothing else", async () => {
    expect((await make({ workspace_id: '8' })).status).toBe(404);
    const { ticket } = (await make({})).json;
    expect((await fleet.ask('GET', `/api/whatsapp/sessions?ticket=${ticket}`, { key: null })).status).toBe(
      401,
    );
    const narrowed = await fleet.ask('GET', `${PATH}?ticket=${ticket}&workspace_id=8`, { key: null });
    expect(narrowed.status).toBe(400);
  });

  it('is refused where it was changed, or the key it was made with is revoked', async () => {
    const { key, key_id } = await newKey('7');
    const { ticket } = (await make({}, key)).json as { ticket: string };
    const [claims = '', signature = ''] = ticket.split('.');
    const forged = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const wider = Buffer.from(JSON.stringify({ ...forged, workspace: '8' })).toString('base64url');
    const ask = (text: string) => fleet.ask('GET', `${PATH}?ticket=${text}`, { key: null });
    for (const bad of [`${wider}.${signature}`, `${claims}.`, claims, '', `${ticket}x`])
      expect((await ask(bad)).json.code).toBe('unauthorized');
    await fleet.ask('DELETE', `/api/fleet/keys/${key_id}`);
    expect((await ask(ticket)).json.code).toBe('unauthorized');
  });

  it('ends its streams when it runs out', async () => {
    const { ticket } = (await make({ expires_in: 1 })).json;
    const reader = await follow(`?ticket=${ticket}`, null);
    let ended = false;
    reader.ended.then(() => {
      ended = true;
    });
    let number = 0;
    await eventually(async () => {
      number += 1;
      await append(receivedEvent(`g${number}`));
      return ended;
    });
    expect((await fleet.ask('GET', `${PATH}?ticket=${ticket}`, { key: null })).status).toBe(401);
  });
});

describe('the metrics', () => {
  it('tell how many follow', async () => {
    await follow();
    await follow('', ownKey.key);
    const { text } = await fleet.ask('GET', '/metrics', { key: null });
    expect(text).toMatch(/^wharf_event_streams 2$/m);
    expect(text).toMatch(/^wharf_event_feeds 2$/m);
    expect(text).toMatch(/^wharf_queue_redis_up 1$/m);
    expect(text).toMatch(/^wharf_queue_stuck_sessions 0$/m);
  });
});

describe('a Redis that is restarted, empty', () => {
  it('costs the streams what was in it, and they go on', async () => {
    const reader = await follow('', ownKey.key);
    await append(receivedEvent('h1'));
    await eventually(() => texts(reader).length === 1);
    await fleet.redis.kill();
    await expect(append(receivedEvent('h2'))).rejects.toMatchObject({ code: 'queue_unavailable' });
    const waiting = await follow('', ownKey.key, reader.lastEventId);
    await fleet.redis.start();
    await eventually(async () => {
      await append(receivedEvent('h3')).catch(() => {});
      return texts(reader).length === 2 && texts(waiting).length === 1;
    });
    expect([texts(reader)[1], texts(waiting)[0]]).toEqual(['text h3', 'text h3']);
  });
});
