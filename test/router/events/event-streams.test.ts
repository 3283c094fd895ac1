import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { createLogger } from '../../../common/logger.ts';
import type { EventType, WharfEvent } from '../../../fleet/events/event.ts';
import type { EventFilter } from '../../../fleet/events/event-log.ts';
import { EventStreams } from '../../../router/events/event-streams.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { MemoryEventLog } from '../../helpers/memory-event-log.ts';
import { SseReader } from '../../helpers/sse.ts';

/** Quick where a test waits for them, long where it must not. */
const TIMES = { heartbeat: 60_000, patience: 60_000, retry: 1234, pause: 20 };

let log: MemoryEventLog;
let server: Server;
let streams: EventStreams;
let url: string;
let filter: EventFilter;
let allowed: boolean;
let readers: SseReader[];
let complaints: unknown[];
const logged: Record<string, unknown>[] = [];

function event(number: number, more: Partial<WharfEvent> = {}): WharfEvent {
  return {
    id: `evt_${number}`,
    type: 'message.revoked',
    timestamp: '2026-01-01T00:00:00.000Z',
    workspace_id: '7',
    session_id: 'sales',
    data: { whatsapp_id: `true_${number}`, chat_id: 'chat' },
    ...more,
  };
}

function start(times: Partial<typeof TIMES> = {}): void {
  const logger = createLogger('debug', {}, { write: (line) => logged.push(JSON.parse(line)) });
  streams = new EventStreams(log, systemClock, logger, { ...TIMES, ...times });
}

beforeEach(async () => {
  log = new MemoryEventLog();
  filter = { workspace: '7' };
  allowed = true;
  readers = [];
  complaints = [];
  logged.length = 0;
  server = createServer((request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const after = request.headers['last-event-id'] as string | undefined;
    streams
      .serve(response, { filter, after, isAllowed: () => allowed }, gone.signal)
      .catch((error: unknown) => complaints.push(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await streams.close();
  await Promise.all(readers.map((reader) => reader.close()));
  expect(streams.counts).toMatchObject({ open: 0, feeds: 0 });
  expect(log.listeners).toBe(0);
  expect(complaints).toEqual([]);
  server.closeAllConnections();
  server.close();
});

async function open(after?: string): Promise<SseReader> {
  const reader = await SseReader.open(url, after === undefined ? {} : { 'Last-Event-ID': after });
  readers.push(reader);
  await eventually(() => reader.frames.length > 0);
  return reader;
}

const ids = (reader: SseReader) => reader.events.map(({ data }) => data.id);

describe('a stream of events', () => {
  it('begins now, says where that is and when to come again, and shows what happens', async () => {
    start();
    await log.append([event(1)]);
    const reader = await open();
    expect(reader.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(reader.frames[0]).toMatchObject({ id: '1010', retry: '1234', data: undefined });
    await log.append([event(2), event(3)]);
    await eventually(() => reader.events.length === 2);
    expect(reader.events[0]).toEqual({
      type: 'message.revoked',
      id: '1020',
      data: { ...event(2), workspace_id: 7 },
    });
    expect(ids(reader)).toEqual(['evt_2', 'evt_3']);
  });

  it('goes on after Last-Event-ID, far back and near the end, with nothing missing and nothing twice', async () => {
    start();
    const first = await open();
    const from = first.lastEventId ?? '';
    // More than is kept in memory, so that the log itself is read; then on in memory, while more comes.
    await log.append(Array.from({ length: 1200 }, (_, number) => event(number)));
    await eventually(() => first.events.length === 1200);
    const again = await open(from);
    await log.append([event(1200)]);
    await eventually(() => again.events.length === 1201);
    expect(ids(again)).toEqual(Array.from({ length: 1201 }, (_, number) => `evt_${number}`));
    const near = await open(again.events[1198]?.id);
    await eventually(() => near.events.length === 2);
    expect(ids(near)).toEqual(['evt_1199', 'evt_1200']);
  });

  it('shows only the session and the types asked for, and remembers how far it has read all the same', async () => {
    start({ heartbeat: 30 });
    filter = { workspace: '7', session: 'sales', types: ['message.status', 'session.qr'] };
    const reader = await open();
    await log.append([
      event(1),
      event(2, { type: 'message.status' }),
      event(3, { type: 'message.status', session_id: 'support' }),
      event(4, { type: 'session.qr' as EventType, workspace_id: '8' }),
      event(5),
    ]);
    await eventually(() => reader.lastEventId === '1050');
    expect(ids(reader)).toEqual(['evt_2']);
  });

  it('says that there is a gap where what came next is forgotten', async () => {
    start();
    await log.append([event(1), event(2)]);
    log.forgetAll();
    await log.append([event(3)]);
    const reader = await open('1010');
    await eventually(() => reader.events.length === 2);
    expect(reader.events.map(({ type }) => type)).toEqual(['gap', 'message.revoked']);
  });

  it('says that there is a gap where the log forgot before it was read', async () => {
    start();
    const reader = await open();
    log.rings = false;
    await log.append([event(1)]);
    log.forgetAll();
    log.rings = true;
    await log.append([event(2)]);
    await eventually(() => reader.events.length === 2);
    expect(reader.events.map(({ type }) => type)).toEqual(['gap', 'message.revoked']);
  });

  it('reads the log no more than once where all that came since is of others', async () => {
    start({ heartbeat: 20 });
    const from = await log.end();
    await log.append([event(1, { workspace_id: '8' })]);
    const reader = await open(from);
    await eventually(() => reader.frames.length > 4);
    expect(log.reads).toBeLessThanOrEqual(3);
    expect(reader.lastEventId).toBe('1010');
  });

  it('says that there is a gap where the log began anew, and goes on from its end', async () => {
    start();
    await log.append(Array.from({ length: 10 }, (_, number) => event(number)));
    log.beginAnew();
    await log.append([event(100)]);
    const reader = await open('1090');
    await log.append([event(101)]);
    await eventually(() => reader.events.length === 2);
    expect(reader.events[0]).toMatchObject({ type: 'gap', data: { after: '1090' } });
    expect(ids(reader)[1]).toBe('evt_101');
  });

  it('is read once from the log for all who follow a workspace', async () => {
    start();
    const all = await Promise.all(Array.from({ length: 40 }, () => open()));
    const before = log.reads;
    await log.append([event(1)]);
    await eventually(() => all.every((reader) => reader.events.length === 1));
    expect(log.reads - before).toBeLessThanOrEqual(2);
    expect(log.listeners).toBe(1);
  });

  it('waits while the log is away, says so once, and misses nothing', async () => {
    start({ heartbeat: 20 });
    const reader = await open();
    log.away = true;
    await log.append([event(1)]);
    await log.append([event(2)]);
    const beats = reader.frames.length;
    await eventually(() => reader.frames.length > beats + 3);
    expect(reader.events).toEqual([]);
    log.away = false;
    await eventually(() => reader.events.length === 2);
    const said = logged.map(({ msg }) => msg);
    expect(said).toEqual([
      'the event log cannot be read; streams wait for it',
      'the event log can be read again',
    ]);
  });

  it('does not ask more and more often while the log stays away', async () => {
    const clock = new DrivenClock();
    streams = new EventStreams(log, clock, createLogger('silent', {}), { ...TIMES, pause: 2000 });
    const reader = await open();
    log.away = true;
    const asks: number[] = [];
    for (let minute = 0; minute < 10; minute += 1) {
      const before = log.asked;
      await clock.pass(60_000);
      asks.push(log.asked - before);
    }
    expect(asks.at(-1)).toBeLessThanOrEqual((asks[1] ?? 0) + 2);
    log.away = false;
    await log.append([event(1)]);
    await clock.pass(3000);
    await eventually(() => reader.events.length === 1);
  });

  it('is begun while the log is away, since a browser would never come back after a refusal', async () => {
    start();
    log.away = true;
    const reader = await open();
    expect(reader.frames[0]).toMatchObject({ id: undefined, data: undefined });
    log.away = false;
    await eventually(() => reader.lastEventId === '1000');
    await log.append([event(1)]);
    await eventually(() => reader.events.length === 1);
  });

  it('goes on where its client was when the log comes back', async () => {
    start();
    const first = await open();
    await log.append([event(1), event(2)]);
    await eventually(() => first.events.length === 2);
    log.away = true;
    const again = await open(first.events[0]?.id);
    log.away = false;
    await eventually(() => again.events.length === 1);
    expect(ids(again)).toEqual(['evt_2']);
  });

  it('ends when its key is revoked, also while much happens', async () => {
    start();
    const reader = await open();
    allowed = false;
    await log.append([event(1)]);
    await eventually(async () => {
      await log.append([event(2)]);
      return streams.counts.refused === 1;
    });
    await reader.ended;
  });

  it('ends when the router stops, and then begins no more', async () => {
    start();
    const reader = await open();
    await streams.close();
    await reader.ended;
    await expect(fetch(url)).rejects.toThrow();
  });
});

describe('a client that does not read', () => {
  let socket: Socket | undefined;
  afterEach(() => socket?.destroy());

  it('is let go, and what it did not read is not gathered for it', async () => {
    start({ patience: 50 });
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => streams.counts.open === 1);
    const quick = await open();
    const text = 'x'.repeat(60_000);
    let number = 0;
    await eventually(async () => {
      number += 1;
      await log.append([event(number, { data: { whatsapp_id: text, chat_id: 'chat' } })]);
      return streams.counts.slow === 1;
    });
    // The one that reads was not held up by it.
    await eventually(() => quick.events.length === number);
    expect(streams.counts.open).toBe(1);
  });
});
