import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSides, type Sides, take } from '../fleet/queue/queue-parts.ts';
import { eventually } from '../helpers/eventually.ts';
import { KeptInstance } from '../helpers/kept-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { type Ran, runWharf, type TerminalOptions } from '../helpers/terminal.ts';
import { receivedEvent } from '../helpers/wharf-events.ts';

let fleet: TestFleet;
let sides: Sides;
let instances: KeptInstance[];

beforeAll(async () => {
  fleet = await startFleet({ holdTime: 0 });
  sides = await connectSides(fleet.redis.url);
  const { coordination } = fleet;
  const storage = new Map([
    ['7', ['main']],
    ['8', ['main']],
  ]);
  instances = await Promise.all(
    ['instance-1', 'instance-2'].map((id) => new KeptInstance({ id, fleet, coordination, storage }).start()),
  );
  for (const workspace of storage.keys()) await instances[0]?.claim(workspace);
  await eventually(() => fleet.router.services.table.session('8', 'main')?.status === 'ready');
});
afterAll(async () => {
  await Promise.all((instances ?? []).map((instance) => instance.stop()));
  await sides?.close();
  await fleet?.close();
});

const env = () => ({ WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY });
const wharf = (words: string[], options: TerminalOptions = {}) =>
  runWharf(words, { ...options, env: { ...env(), ...options.env } });

/** A command that goes on until it is stopped. */
function going(words: string[], options: TerminalOptions = {}) {
  const stopping = new AbortController();
  let out = '';
  const ran = wharf(words, {
    ...options,
    signal: stopping.signal,
    onOut: (text) => {
      out = text;
    },
  });
  return {
    out: () => out,
    stop: (): Promise<Ran> => {
      stopping.abort();
      return ran;
    },
  };
}

const append = (...ids: string[]) => fleet.router.services.events.append(ids.map((id) => receivedEvent(id)));

/** Streams that are open at all routers. */
const streams = () => fleet.router.services.eventStreams.counts.open;

describe('wharf queues', () => {
  it('says how queues begin where there is none', async () => {
    expect(await wharf(['queues'])).toMatchObject({
      code: 0,
      out: 'No queue is like that: a session has one from its first message on.\n',
    });
  });

  it('shows them with what they come to, and as the router gave them under --json', async () => {
    for (const workspace of ['7', '8'])
      await fleet.ask('POST', `/api/whatsapp/sessions/main/messages?workspace_id=${workspace}`, {
        body: { to: '491701234567', text: 'Hello' },
      });
    const queue = sides.open({ workspace: '8', session: 'main' });
    const held = await take(queue);
    const error = { code: 'media_refused', detail: 'No.' };
    await queue.finish(held, { ...held.state, status: 'failed', error, ended_at: new Date().toISOString() });
    const { out } = await eventually(async () => {
      const ran = await wharf(['queues']);
      return ran.out.includes('1 flowing, 1 idle') && ran;
    });
    expect(out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'WORKSPACE | SESSION | STATE | DEPTH | OLDEST | SENT/MIN | SENT | FAILED | UNKNOWN | WHY',
      expect.stringMatching(/^7 \| main \| flowing \| 1 \| \d+ s ago \| 0 \| 0 \| 0 \| 0$/),
      '8 | main | idle | 0 | - | 0 | 0 | 1 | 0',
      '2 queues: 1 flowing, 1 idle; 1 message; 0 sent in the last whole minute',
      '',
    ]);
    const json = JSON.parse((await wharf(['queues', '--workspace', '7', '--json'])).out);
    expect(json.queues).toMatchObject([{ workspace_id: 7, state: 'flowing', depth: 1 }]);
  });

  it('looks again under --watch until it is stopped', async () => {
    const watching = going(['queues', '--watch', '--json']);
    await eventually(() => watching.out().split('\n').length > 2);
    expect(await watching.stop()).toMatchObject({ code: 0, err: '' });
  });

  it('ends with 2 for a state there is not', async () => {
    expect((await wharf(['queues', '--state', 'bad'])).code).toBe(2);
  });
});

describe('wharf status', () => {
  it('says what is queued', async () => {
    const { out } = await wharf(['status']);
    expect(out).toContain('1 message in 2 queues, 0 sent in the last whole minute\n');
  });
});

describe('wharf sessions send', () => {
  it('says what the message waits for where it has not gone', async () => {
    await instances[0]?.fake.setStatus('7', 'main', 'qr');
    const words = ['sessions', 'send', 'main', '491701234567', 'Hello', '--workspace', '7', '--wait', '0'];
    // How queues stand is looked at now and then only; the key makes it the same message every time.
    await eventually(async () => {
      const { out } = await wharf([...words, '--idempotency-key', 'once']);
      return out.includes(
        '\nIts queue is waiting: the session waits for its QR to be scanned.\nIt is accepted',
      );
    });
  });
});

describe('wharf events --follow', () => {
  it('shows events a line each, those asked for, until it is stopped', async () => {
    const following = going(['events', '--follow', '--workspace', '7', '--types', 'message.received']);
    await eventually(() => streams() === 1);
    await append('a', 'b');
    await eventually(() => following.out().split('\n').length === 3);
    const ran = await following.stop();
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out.split('\n')[0]?.split(/ {2,}/)).toEqual([
      '2026-11-22T00:00:00.000Z',
      'message.received',
      '7/main',
      'whatsapp_id false_491700000002@c.us_a',
      'from 491700000002@c.us',
      'to 491700000001@c.us',
      'kind chat',
      'text text a',
    ]);
    await eventually(() => streams() === 0);
  });

  it('goes on where it was when the connection breaks, with nothing missing and nothing twice', async () => {
    const following = going(['events', '--follow', '--json']);
    await eventually(() => streams() === 1);
    await append('c');
    await eventually(() => following.out().includes('text c'));
    fleet.router.server.server.closeAllConnections();
    await append('d');
    await append('e');
    await eventually(() => following.out().includes('text e'));
    const ran = await following.stop();
    const lines = ran.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const heard = lines.filter(({ type }) => type === 'message.received').map(({ data }) => data.text);
    expect(heard).toEqual(['text c', 'text d', 'text e']);
    expect(ran.err).toContain('connecting again');
    const after = lines.find(({ data }) => data.text === 'text d').position;
    const again = going(['events', '--follow', '--after', after, '--types', 'message.received']);
    await eventually(() => again.out() !== '');
    expect((await again.stop()).out).toMatch(/text text e/);
    expect(again.out()).not.toMatch(/text text d/);
  });

  it('ends with what the router says where it refuses', async () => {
    const ran = await wharf(['events', '--follow', '--types', 'nothing.happened']);
    expect(ran.code).toBe(2);
    expect((await wharf(['events', '--workspace', '7'])).err).toContain('go with --follow');
  });

  it('tells of workspaces that are moved and of instances that are lost', async () => {
    const types = 'workspace.moved,instance.status';
    const following = going(['events', '--follow', '--json', '--types', types]);
    await eventually(() => streams() === 1);
    await wharf(['drain', 'instance-1']);
    const told = () =>
      following
        .out()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    const moved = () => told().filter(({ type }) => type === 'workspace.moved');
    await eventually(() => moved().length === 2);
    expect(moved().map(({ workspace_id, data }) => [workspace_id, data.from, data.to, data.why])).toEqual(
      expect.arrayContaining([
        [7, 'instance-1', 'instance-2', 'drain'],
        [8, 'instance-1', 'instance-2', 'drain'],
      ]),
    );
    await instances[0]?.stop();
    const statuses = () => told().filter(({ type }) => type === 'instance.status');
    await eventually(() => statuses().length > 0);
    expect(statuses()[0]).toMatchObject({
      workspace_id: null,
      data: { instance: 'instance-1', status: 'restarting', previous: 'healthy' },
    });
    await following.stop();
  });
});
