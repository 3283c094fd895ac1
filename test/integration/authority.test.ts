import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { JournalEntry } from '../../emulator/server/journal.ts';
import { OWNERSHIP_TIMES } from '../../fleet/ownership-times.ts';
import { askSession } from '../helpers/ask-session.ts';
import { EmulatedWhatsApp } from '../helpers/emulated-whatsapp.ts';
import { eventually } from '../helpers/eventually.ts';
import { browsersUnder } from '../helpers/processes.ts';
import { type PrivateRedis, startRedis } from '../helpers/redis.ts';
import { SupervisedInstance } from '../helpers/supervised-instance.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { TestQueues } from '../helpers/test-queues.ts';

const TOKEN = 'wharf-internal-token-of-this-test-0002';
const PHONES = ['491700000101', '491700000102', '491700000103'];

interface Connection {
  connection: number;
  disconnected_mono_ms: number | null;
  logged_in_at: string | null;
}

interface SentMessage {
  body: string;
  attempt_list: { connection: number }[];
}

/** What a server itself does with a page that is silent. */
const SERVER_ITSELF = new Set(['disconnect', 'command', 'queued', 'delivered', 'socket_dropped', 'config']);

describe('browsers whose instance does not end them', () => {
  let redis: PrivateRedis;
  let whatsapp: EmulatedWhatsApp;
  let sessions: string;
  let one: SupervisedInstance;
  beforeAll(async () => {
    whatsapp = await EmulatedWhatsApp.start();
  });
  afterAll(async () => {
    await whatsapp.close();
  });
  afterEach(async () => {
    await one.stop();
    await redis.close();
    expect(await browsersUnder(sessions)).toEqual([]);
  });

  const call = async (url: string, session: string, method = 'GET', path = '', body?: object) => {
    const answer = await askSession({ url, token: TOKEN, session }, method, path, body);
    return (await answer.json()) as Record<string, unknown>;
  };
  const connections = async () =>
    (await whatsapp.get<{ connections: Connection[] }>('/connections')).connections.filter(
      ({ logged_in_at }) => logged_in_at !== null,
    );
  const open = async () => (await connections()).filter((each) => each.disconnected_mono_ms === null);
  const log = async (after: number) =>
    (await whatsapp.get<{ log: JournalEntry[] }>(`/log?after=${after}&limit=100000`)).log;
  const lastId = async () => (await whatsapp.get<{ last_id: number }>('/log?limit=1')).last_id;
  const allReady = (url: string) =>
    eventually(async () => {
      const all = await Promise.all(PHONES.map((phone) => call(url, phone)));
      return all.every(({ status }) => status === 'ready');
    }, 90_000);

  /** An instance with three linked sessions. */
  async function fleet() {
    await whatsapp.post('/reset', {});
    [redis, sessions] = await Promise.all([startRedis(), temporaryDirectory()]);
    one = new SupervisedInstance({
      INSTANCE_ID: 'instance-1',
      PORT: '0',
      REDIS_URL: redis.url,
      WHATSAPP_SESSION_PATH: sessions,
      ...whatsapp.browserEnv,
      WHARF_INTERNAL_TOKEN: TOKEN,
    });
    const { url, pid } = await one.ready();
    for (const phone of PHONES) {
      await call(url, phone, 'PUT', '', {});
      const { qr } = await call(url, phone, 'GET', '/qr?wait=30');
      await whatsapp.post('/scan', { qr, phone });
    }
    await allReady(url);
    expect(await open()).toHaveLength(PHONES.length);
    return { url, pid };
  }

  it('disconnect by themselves when everything but them is stopped, and come back with their instance', async () => {
    const { url, pid } = await fleet();
    const stoppedAt = performance.now();
    one.signal('SIGSTOP');
    process.kill(pid, 'SIGSTOP');
    await eventually(async () => (await open()).length === 0, 60_000);
    const ended = Math.max(...(await connections()).map((each) => each.disconnected_mono_ms ?? 0));
    console.log(
      `the last was gone ${Math.round(ended - stoppedAt)} ms after all else was stopped; another owner would begin after ${OWNERSHIP_TIMES.wait} ms`,
    );
    const after = await lastId();
    await sleep(3000);
    expect(await open()).toEqual([]);
    expect((await log(after)).filter(({ event }) => !SERVER_ITSELF.has(event))).toEqual([]);
    process.kill(pid, 'SIGCONT');
    one.signal('SIGCONT');
    await eventually(async () => (await open()).length === PHONES.length, 90_000);
    await allReady(one.readies.at(-1)?.url ?? url);
  });

  it('send nothing when the whole tree was stopped for long and goes on, and come back as another incarnation', async () => {
    const { url, pid } = await fleet();
    const queues = await TestQueues.open(redis.url);
    onTestFinished(queues.close);
    const old = new Set((await open()).map(({ connection }) => connection));
    const browsers = await browsersUnder(sessions);
    one.signal('SIGSTOP');
    process.kill(pid, 'SIGSTOP');
    for (const browser of browsers) process.kill(-browser.pid, 'SIGSTOP');
    const [phone = ''] = PHONES;
    await whatsapp.post('/deliver', { phone, from: '491700000199', body: 'are you there?' });
    // What was to be sent when all stood still must not leave by the old browser: it waits in the queue for the next incarnation.
    await queues.accept({
      workspace_id: '7',
      session_id: phone,
      message: { to: '491700000199@c.us', text: 'from the queue' },
    });
    await sleep(20_000);
    const after = await lastId();
    for (const browser of browsers) process.kill(-browser.pid, 'SIGCONT');
    process.kill(pid, 'SIGCONT');
    one.signal('SIGCONT');
    await eventually(
      async () => (await open()).filter(({ connection }) => !old.has(connection)).length === PHONES.length,
      90_000,
    );
    const late = (await log(after)).filter(
      ({ event, connection }) => !SERVER_ITSELF.has(event) && connection !== undefined && old.has(connection),
    );
    expect(late).toEqual([]);
    await allReady(one.readies.at(-1)?.url ?? url);
    const sent = await eventually(async () => {
      const answer = await whatsapp.get<{ sent: SentMessage[] }>(`/sent?phone=${phone}`);
      return answer.sent.length > 0 ? answer.sent : undefined;
    });
    expect(sent.map(({ body }) => body)).toEqual(['from the queue']);
    expect(sent[0]?.attempt_list.filter(({ connection }) => old.has(connection))).toEqual([]);
  });
});
