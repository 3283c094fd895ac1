import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MessageState } from '../../fleet/queue/outgoing.ts';
import { eventually } from '../helpers/eventually.ts';
import { startMemoryFleet } from '../helpers/memory-fleet.ts';
import type { MemoryQueues } from '../helpers/memory-queues.ts';
import { ADMIN_KEY, type TestFleet } from '../helpers/router.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { runWharf, type TerminalOptions } from '../helpers/terminal.ts';

let fleet: TestFleet;
let queues: MemoryQueues;

beforeAll(async () => {
  ({ fleet, queues } = await startMemoryFleet([[7, 'sales']]));
});
afterAll(() => fleet.close());
beforeEach(() => queues.messages.clear());

/** Runs a command against the fleet's real router, as its admin. */
function wharf(words: string[], options: TerminalOptions = {}) {
  return runWharf(words, {
    ...options,
    env: { WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY, ...options.env },
  });
}

const send = (...words: string[]) => wharf(['sessions', 'send', 'sales', '491701234567', ...words]);

/** Lets the one message there is come to this. */
async function becomes(...states: Partial<MessageState>[]): Promise<string> {
  await eventually(() => queues.messages.size === 1);
  const [id = ''] = queues.messages.keys();
  for (const state of states) {
    const before = queues.finds;
    queues.set(id, state);
    await eventually(() => queues.finds > before);
  }
  return id;
}

const SENT = { status: 'sent', whatsapp_id: 'true_1@c.us_ABC' } as const;

describe('sessions send', () => {
  it('follows a text through its states, and shows what became of it', async () => {
    const running = send('Hello');
    const id = await becomes({ status: 'sending' }, SENT);
    const ran = await running;
    expect(ran.code).toBe(0);
    expect(ran.out).toBe(`message      ${id}\nstatus       sent\nwhatsapp id  true_1@c.us_ABC\n`);
    expect(ran.err).toBe(`${id} is queued\n${id} is sending\n`);
    expect(queues.of('sales')[0]?.message).toEqual({ to: '491701234567@c.us', text: 'Hello' });
  });

  it('sends a file with its type, its name and a caption', async () => {
    const file = join(await temporaryDirectory(), 'Invoice.PDF');
    await writeFile(file, 'content');
    const ran = await send('yours', '-f', file, '--wait', '0');
    expect(ran.code).toBe(0);
    expect(queues.of('sales')[0]?.message).toEqual({
      to: '491701234567@c.us',
      media: {
        media_id: expect.any(String),
        mimetype: 'application/pdf',
        filename: 'Invoice.PDF',
      },
      caption: 'yours',
    });
  });

  it('hands in priority, time and key, and does not wait for a time to come', async () => {
    const words = ['later', '-p', 'low', '--at', '2027-01-01T00:00:00Z', '--idempotency-key', 'once'];
    const ran = await send(...words);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('It is accepted, and will be sent: wharf messages get msg_');
    expect(ran.err).toBe('');
    expect(queues.of('sales')[0]).toMatchObject({ priority: 'low', send_at: '2027-01-01T00:00:00.000Z' });
    expect((await send(...words)).out).toBe(ran.out);
    expect(queues.messages.size).toBe(1);
    const other = await send('something else', '--idempotency-key', 'once');
    expect(other.code).toBe(1);
    expect(other.err).toContain('(idempotency_conflict');
  });

  it('ends with 1 when the message failed, and still shows it, and why', async () => {
    const running = send('Hello');
    const error = { code: 'recipient_not_on_whatsapp', detail: 'Nobody has this number.' };
    const id = await becomes({ status: 'failed', error });
    const ran = await running;
    expect(ran.code).toBe(1);
    expect(ran.out).toContain(id);
    expect(ran.out).toContain('Nobody has this number. (recipient_not_on_whatsapp)');
    expect(ran.err).toContain('(message_failed)');
  });

  it('names the message when it is told to stop while it follows one', async () => {
    const stopping = new AbortController();
    const ran = await wharf(['sessions', 'send', 'sales', '491701234567', 'Hello'], {
      signal: stopping.signal,
      // Said once the command knows the message's id.
      onErr: (said) => said.includes('is queued') && stopping.abort(),
    });
    const [id] = queues.messages.keys();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`"wharf messages get ${id}" tells what became of it`);
  });

  it('prints JSON alone under --json', async () => {
    const running = send('Hello', '--json');
    const id = await becomes(SENT);
    const ran = await running;
    expect(ran.err).toBe('');
    expect(JSON.parse(ran.out)).toEqual({ message_id: id, ...SENT, error: null });
  });

  it('says which file is not there', async () => {
    const ran = await send('-f', '/nowhere/x.png');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('Could not read /nowhere/x.png: there is no such file.');
  });

  it.each([
    [['sessions', 'send', 'sales', 'Bob', 'Hello'], 'to: must be 7 to 15 digits'],
    [['sessions', 'send', 'sales', '491701234567', 'Hello', '-p', 'urgent'], 'critical, high, normal, low'],
    [['sessions', 'send', 'sales', '491701234567', 'Hello', '--at', 'tomorrow'], 'send_at: must be a time'],
    [['sessions', 'send', 'sales', '491701234567', 'Hello', '--wait', 'long'], 'from 0 to 3600'],
  ])('ends with 2 for %j', async (words, why) => {
    const ran = await wharf(words);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(why);
    expect(queues.messages.size).toBe(0);
  });
});

describe('messages', () => {
  it('get shows one with its times', async () => {
    await send('Hello', '--wait', '0');
    const id = await becomes();
    queues.set(id, { ...SENT, sent_at: new Date(Date.now() - 5000).toISOString() });
    const ran = await wharf(['messages', 'get', id]);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(
      /^message {6}msg_\w+\nsession {6}sales of workspace 7\nto {11}491701234567@c\.us\npriority {5}normal\nstatus {7}sent\n/,
    );
    expect(ran.out).toMatch(/\nsent {9}\S+Z \(\d+ s ago\)\n$/);
    expect(JSON.parse((await wharf(['messages', 'get', id, '--json'])).out)).toMatchObject({
      message_id: id,
    });
  });

  it('cancel takes one back, and says when it is too late', async () => {
    await send('Hello', '--wait', '0');
    const id = await becomes();
    const ran = await wharf(['messages', 'cancel', id]);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/\nstatus {7}failed\n.*\(cancelled\)\n/s);
    queues.messages.clear();
    await send('Hello', '--wait', '0');
    const other = await becomes();
    queues.set(other, { status: 'sending' });
    const late = await wharf(['messages', 'cancel', other]);
    expect(late.code).toBe(1);
    expect(late.err).toContain('may have left already');
  });

  it('says that there is none', async () => {
    const ran = await wharf(['messages', 'get', `msg_${'0'.repeat(30)}`]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('(message_not_found');
  });
});
