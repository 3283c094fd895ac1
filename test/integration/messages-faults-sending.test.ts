import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clockLibrary } from '../chaos/hosts/requirements.ts';
import { MessagesFleet, type ProvenSession } from '../chaos/messages/fleet.ts';
import type { Json } from '../chaos/real/asking.ts';
import { eventually } from '../helpers/eventually.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 120_000;
const FRIEND = '491809999999';

interface Arrival {
  position: number;
  id: string;
  body: string | null;
  attempts: number;
  content: Json;
}

/** What a session has sent, in the order of arrival. */
async function arrivals(fleet: MessagesFleet, { phone }: ProvenSession): Promise<Arrival[]> {
  const { sent } = await fleet.emulator('GET', `/sent?phone=${phone}&limit=1000000`);
  return sent as Arrival[];
}

function path({ workspace, session }: ProvenSession, rest = ''): string {
  return `/api/whatsapp/sessions/${session}${rest}?workspace_id=${workspace}`;
}

async function handIn(fleet: MessagesFleet, session: ProvenSession, body: Json): Promise<string> {
  const { message_id } = await fleet.api('POST', path(session, '/messages'), { to: FRIEND, ...body });
  return String(message_id);
}

/** Waits until a message is at one of some states. */
async function reaches(fleet: MessagesFleet, id: string, ...wanted: string[]): Promise<Json> {
  return await eventually(async () => {
    const message = await fleet.api('GET', `/api/whatsapp/messages/${id}`);
    return wanted.includes(String(message['status'])) && message;
  }, PATIENCE);
}

const SENT = ['sent', 'delivered', 'read'];

describe('messages through the API, a real browser and the emulated WhatsApp', () => {
  let fleet: MessagesFleet;
  let one: ProvenSession;
  let other: ProvenSession;

  beforeAll(async () => {
    fleet = await MessagesFleet.start({
      routers: 1,
      instances: 1,
      instanceEnv: { WHATSAPP_HEALTH_CHECK_INTERVAL: '1000', WHATSAPP_PING_TIMEOUT: '1000' },
    });
    await fleet.link(2);
    [one, other] = fleet.sessions as [ProvenSession, ProvenSession];
  }, PATIENCE);
  afterAll(() => fleet?.close(false), PATIENCE);

  it('of which one session has 10 000 delay none of another, and end when their session is deleted', async () => {
    const messages = Array.from({ length: 10_000 }, (_, number) => ({
      session_id: one.session,
      workspace_id: one.workspace,
      to: FRIEND,
      text: `many ${number}`,
    }));
    const ids: string[] = [];
    for (let from = 0; from < messages.length; from += 1000) {
      const { accepted } = await fleet.api('POST', '/api/whatsapp/messages/bulk', {
        messages: messages.slice(from, from + 1000),
      });
      ids.push(...(accepted as { message_id: string }[]).map(({ message_id }) => message_id));
    }
    expect(new Set(ids).size).toBe(10_000);
    await reaches(fleet, ids[0] as string, ...SENT);
    const answer = await fleet.api('POST', `${path(other, '/messages')}&wait=60`, {
      to: FRIEND,
      text: 'one',
    });
    expect(SENT).toContain(answer['status']);
    const sentByThen = (await arrivals(fleet, one)).length;
    expect(sentByThen).toBeLessThan(5000);
    await fleet.api('DELETE', path(one));
    const last = await reaches(fleet, ids.at(-1) as string, 'failed');
    expect(last).toMatchObject({ error: { code: 'session_deleted' } });
    const bodies = (await arrivals(fleet, one)).map(({ body }) => body);
    expect(bodies).toEqual(messages.slice(0, bodies.length).map(({ text }) => text));
  });

  it('that cannot be sent fail with their reasons, and hold nobody up', async () => {
    const wrong: [Json, string][] = [
      [{ to: '0001234567', text: 'to nobody' }, 'recipient_not_on_whatsapp'],
      [{ text: 'a reply', reply_to: `true_${FRIEND}@c.us_3EB0DOESNOTEXIST` }, 'message_not_found'],
      [{ media: { url: 'http://169.254.169.254/latest/meta-data' } }, 'media_refused'],
    ];
    const ids: [string, string | undefined][] = [];
    for (const [body, code] of wrong) {
      ids.push([await handIn(fleet, other, body), code]);
      ids.push([await handIn(fleet, other, { text: `behind ${code}` }), undefined]);
    }
    for (const [id, code] of ids) {
      if (code === undefined) await reaches(fleet, id, ...SENT);
      else expect(await reaches(fleet, id, 'failed')).toMatchObject({ error: { code } });
    }
    const bodies = (await arrivals(fleet, other)).map(({ body }) => body);
    expect(bodies.slice(-3)).toEqual(wrong.map(([, code]) => `behind ${code}`));
  });

  it('whose page crashes and hangs as they leave are sent once, and those behind them in order', async () => {
    const { phone } = other;
    for (const action of ['crash', 'hang'] as const) {
      const before = (await arrivals(fleet, other)).length;
      await fleet.emulator('POST', '/config', { phones: { [phone]: { lose_acks: 1 } } });
      const texts = [1, 2, 3].map((number) => `${action} ${number}`);
      const ids: string[] = [];
      for (const text of texts) ids.push(await handIn(fleet, other, { text }));
      await eventually(async () => (await arrivals(fleet, other)).length > before, PATIENCE);
      await fleet.emulator('POST', '/crash', { phone, action });
      for (const id of ids) await reaches(fleet, id, ...SENT);
      expect((await arrivals(fleet, other)).slice(before).map(({ body }) => body)).toEqual(texts);
    }
  });

  it('of 10 MB go as media; a text so long, and a body over the limit, are refused', async () => {
    const data = randomBytes(10 * 1024 * 1024);
    const media = { data: data.toString('base64'), mimetype: 'application/pdf', filename: 'large.pdf' };
    const id = await handIn(fleet, other, { media });
    await reaches(fleet, id, ...SENT);
    const [sent] = (await arrivals(fleet, other)).slice(-1);
    expect(JSON.stringify(sent?.content)).toContain(String(data.length));
    const url = path(other, '/messages');
    const long = await fleet.ask(0, 'POST', url, { to: FRIEND, text: 'x'.repeat(10 * 1024 * 1024) });
    expect(long).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const over = { to: FRIEND, media: { ...media, data: 'A'.repeat(32 * 1024 * 1024) } };
    expect(await fleet.ask(0, 'POST', url, over)).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large' },
    });
  });
});

describe.skipIf(clockLibrary() === undefined)('messages of an instance whose clock is stepped', () => {
  it('are sent once, in order, within its limits', async () => {
    const file = join(await temporaryDirectory(), 'clock');
    const step = (seconds: number) => writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    await step(0);
    const fleet = await MessagesFleet.start({
      routers: 1,
      instances: 1,
      instanceEnv: {
        LD_PRELOAD: clockLibrary() ?? '',
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_FORCE_MONOTONIC_FIX: '0',
        WHATSAPP_RATE_LIMIT_MAX: '10',
        WHATSAPP_RATE_LIMIT_WINDOW: '3000',
      },
    });
    try {
      await fleet.link(1);
      const [session] = fleet.sessions as [ProvenSession];
      const texts = Array.from({ length: 40 }, (_, number) => `stepped ${number}`);
      const began = performance.now();
      const ids: string[] = [];
      for (const text of texts) ids.push(await handIn(fleet, session, { text }));
      for (const [index, seconds] of [3600, -3600, 0].entries()) {
        await reaches(fleet, ids[10 * (index + 1) - 1] as string, ...SENT);
        await step(seconds);
      }
      await reaches(fleet, ids.at(-1) as string, ...SENT);
      // It does see the steps: what was sent after the first bears a time an hour ahead.
      const ahead = await reaches(fleet, ids[15] as string, ...SENT);
      expect(Date.parse(String(ahead['sent_at']))).toBeGreaterThan(Date.now() + 1_800_000);
      // Four windows' worth: whatever the clock says, three windows have to pass.
      expect(performance.now() - began).toBeGreaterThan(3 * 3000 - 100);
      const all = await arrivals(fleet, session);
      expect(all.map(({ body }) => body)).toEqual(texts);
    } finally {
      await fleet.close(false);
    }
  });
});
