import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { startFleet, type TestFleet } from '../helpers/router.ts';

let fleet: TestFleet;
let first: FakeInstance;
let second: FakeInstance;

beforeAll(async () => {
  fleet = await startFleet();
  first = await fleet.addInstance('instance-1', { capacity: 50 });
  second = await fleet.addInstance('instance-2', { capacity: 50 });
});
afterAll(() => fleet.close());

describe('making sessions', () => {
  it('puts a workspace on the instance that its id modulo the count names', async () => {
    const even = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 4, session_id: 'main' },
    });
    const odd = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 5, session_id: 'main' },
    });
    expect(even.status).toBe(201);
    expect(even.json.instance).toBe('instance-1');
    expect(odd.json.instance).toBe('instance-2');
  });

  it('answers 201 with the session as the interface describes it', async () => {
    const made = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 6, session_id: 'a', account_id: 'acc' },
    });
    expect(made.json).toEqual({
      session_id: 'a',
      workspace_id: 6,
      account_id: 'acc',
      status: 'starting',
      instance: 'instance-1',
      epoch: 1,
      created_at: expect.stringMatching(/Z$/),
    });
  });

  it('answers 200 with the same session for the same body, also when the workspace id is written as text', async () => {
    const made = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 8, session_id: 'a' },
    });
    const again = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: '8', session_id: 'a' },
    });
    expect([made.status, again.status]).toEqual([201, 200]);
    expect(again.json).toEqual(made.json);
  });

  it('answers 200 for the same body without a session id', async () => {
    const made = await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 'no-sid' } });
    const again = await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 'no-sid' } });
    expect([made.status, again.status]).toEqual([201, 200]);
    expect(again.json.session_id).toBe(made.json.session_id);
  });

  it('answers 409 for other settings', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 10, session_id: 'a', account_id: 'one' },
    });
    const other = await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 10, session_id: 'a', account_id: 'two' },
    });
    expect(other.status).toBe(409);
    expect(other.json.code).toBe('session_exists');
  });

  it('makes one session of two requests at once: one 201, the others 200', async () => {
    const body = { workspace_id: 'at-once', session_id: 'a' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => fleet.ask('POST', '/api/whatsapp/sessions', { body })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
  });

  it('makes one session of requests at once through two routers', async () => {
    const other = await fleet.addRouter();
    const body = { workspace_id: 'two-routers', session_id: 'a' };
    const answers = await Promise.all(
      [fleet.url, other.server.url].map((url) => fleet.ask('POST', '/api/whatsapp/sessions', { body, url })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 201]);
  });

  it('keeps sessions of one id in two workspaces apart', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 20, session_id: 'twin', account_id: 'x' },
    });
    await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 21, session_id: 'twin', account_id: 'y' },
    });
    const ambiguous = await fleet.ask('GET', '/api/whatsapp/sessions/twin');
    expect([ambiguous.status, ambiguous.json.code]).toEqual([409, 'ambiguous_session']);
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/twin?workspace_id=20')).json.account_id).toBe('x');
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/twin?workspace_id=21')).json.account_id).toBe('y');
  });

  it('takes the older name', async () => {
    const made = await fleet.ask('POST', '/api/whatsapp/sessions/create', {
      body: { workspace_id: 30, session_id: 'older', account_id: 'acc' },
    });
    expect(made.status).toBe(201);
  });
});

describe('reading sessions', () => {
  it('asks the instance for one session, and passes on what it says', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 40, session_id: 'forty' } });
    const read = await fleet.ask('GET', '/api/whatsapp/sessions/forty');
    expect(read.status).toBe(200);
    expect(read.json).toMatchObject({
      session_id: 'forty',
      phone_number: null,
      connected_at: null,
      reconnects: 0,
    });
  });

  it('pages through the list in one order, each session once', async () => {
    for (let each = 0; each < 7; each++) {
      await fleet.ask('POST', '/api/whatsapp/sessions', {
        body: { workspace_id: 'paged', session_id: `s${each}` },
      });
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await fleet.ask(
        'GET',
        `/api/whatsapp/sessions?workspace_id=paged&limit=3${cursor ? `&cursor=${cursor}` : ''}`,
      );
      seen.push(...page.json.sessions.map((session: { session_id: string }) => session.session_id));
      cursor = page.json.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6']);
  });

  it('lists by status', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', {
      body: { workspace_id: 'by-status', session_id: 'r' },
    });
    const owner = first.sessions.has('by-status/r') ? first : second;
    await owner.setStatus('by-status', 'r', 'ready');
    await expect
      .poll(
        async () =>
          (await fleet.ask('GET', '/api/whatsapp/sessions?workspace_id=by-status&status=ready')).json.sessions
            .length,
      )
      .toBe(1);
    const others = await fleet.ask('GET', '/api/whatsapp/sessions?workspace_id=by-status&status=qr');
    expect(others.json.sessions).toEqual([]);
  });

  it.each(['nonsense', 'Li4vLi4', 'AAAA'])('refuses the cursor %s', async (cursor) => {
    const answer = await fleet.ask('GET', `/api/whatsapp/sessions?cursor=${cursor}`);
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request']);
  });

  it('gives the QR in four formats, byte for byte', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 50, session_id: 'fifty' } });
    const path = '/api/whatsapp/sessions/fifty/qr';
    expect((await fleet.ask('GET', path)).json.qr).toBe('ref,a,b,c');
    expect((await fleet.ask('GET', `${path}?format=svg`)).headers.get('content-type')).toBe('image/svg+xml');
    expect((await fleet.ask('GET', `${path}?format=text`)).text).toBe('a QR as text');
    const key = { Authorization: `Bearer ${(await import('../helpers/router.ts')).ADMIN_KEY}` };
    const png = await fetch(`${fleet.url}${path}?format=png&wait=5`, { headers: key });
    expect(Buffer.from(await png.arrayBuffer())).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff]));
    expect(png.headers.get('cache-control')).toBe('no-store');
    expect(first.asked.at(-1)?.path).toBe('/workspaces/50/sessions/fifty/qr?format=png&wait=5');
  });

  it('answers reads of chats, contacts, messages and numbers', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 60, session_id: 'sixty' } });
    const base = '/api/whatsapp/sessions/sixty';
    expect((await fleet.ask('GET', `${base}/chats?limit=5`)).json).toEqual({ chats: [] });
    expect((await fleet.ask('GET', `${base}/contacts`)).json).toEqual({ contacts: [] });
    expect((await fleet.ask('GET', `${base}/chats/491701234567@c.us/messages?limit=2`)).json).toEqual({
      messages: [],
    });
    expect(first.asked.at(-1)?.path).toBe(
      '/workspaces/60/sessions/sixty/chats/491701234567%40c.us/messages?limit=2',
    );
    expect((await fleet.ask('GET', `${base}/numbers/491701234567`)).json.on_whatsapp).toBe(false);
  });
});

describe('commands', () => {
  it.each(['start', 'stop', 'restart', 'logout'])(
    'passes %s on, with or without an empty body',
    async (command) => {
      await fleet.ask('POST', '/api/whatsapp/sessions', {
        body: { workspace_id: 70, session_id: 'seventy' },
      });
      expect((await fleet.ask('POST', `/api/whatsapp/sessions/seventy/${command}`)).status).toBe(202);
      expect(
        (await fleet.ask('POST', `/api/whatsapp/sessions/seventy/${command}`, { body: {} })).status,
      ).toBe(202);
      expect(first.asked.at(-1)).toMatchObject({
        method: 'POST',
        path: `/workspaces/70/sessions/seventy/${command}`,
      });
    },
  );

  it('passes a pairing code on', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 72, session_id: 'pair' } });
    const answer = await fleet.ask('POST', '/api/whatsapp/sessions/pair/pairing-code', {
      body: { phone_number: '+491701234567' },
    });
    expect(answer.json).toEqual({ code: 'ABCD1234' });
  });

  it('forgets a deleted session at once', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 80, session_id: 'eighty' } });
    expect((await fleet.ask('DELETE', '/api/whatsapp/sessions/eighty')).json).toEqual({ unlinked: false });
    expect((await fleet.ask('GET', '/api/whatsapp/sessions/eighty')).status).toBe(404);
    expect((await fleet.ask('GET', '/api/whatsapp/sessions?workspace_id=80')).json.sessions).toEqual([]);
  });

  it('shows one request id to the caller, in the log, and to the instance', async () => {
    await fleet.ask('POST', '/api/whatsapp/sessions', { body: { workspace_id: 90, session_id: 'ninety' } });
    const answer = await fleet.ask('GET', '/api/whatsapp/sessions/ninety', {
      headers: { 'X-Request-Id': 'trace-me-90' },
    });
    expect(answer.headers.get('x-request-id')).toBe('trace-me-90');
    expect(first.asked.at(-1)?.requestId).toBe('trace-me-90');
    await expect.poll(() => fleet.log.some((line) => line['request_id'] === 'trace-me-90')).toBe(true);
  });
});
