import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeInstance } from '../helpers/fake-instance.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { runWharf, type TerminalOptions } from '../helpers/terminal.ts';

let fleet: TestFleet;
let instance: FakeInstance;

beforeAll(async () => {
  fleet = await startFleet();
  instance = await fleet.addInstance('instance-1', { capacity: 50 });
});
afterAll(() => fleet.close());

/** Runs a command against the fleet's real router, as its admin. */
function wharf(words: string[], options: TerminalOptions = {}) {
  return runWharf(words, {
    ...options,
    env: { WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY, ...options.env },
  });
}

describe('sessions', () => {
  it('says how to begin when there is none', async () => {
    const ran = await wharf(['sessions', 'list', '--workspace', 'nobody']);
    expect(ran).toMatchObject({ code: 0, out: 'No session is like that.\n' });
  });

  it('creates one, and says what to do next', async () => {
    const ran = await wharf(['sessions', 'create', '7', 'sales', '--account', 'acc']);
    expect(ran.code).toBe(0);
    expect(ran.out).toBe(
      [
        'session        sales',
        'workspace      7',
        'status         starting',
        'phone number   -',
        'instance       instance-1 (epoch 1)',
        'last activity  -',
        'Link it: wharf sessions qr sales --workspace 7',
        '',
      ].join('\n'),
    );
  });

  it('prints the session as the router gave it under --json', async () => {
    const ran = await wharf(['sessions', 'create', '7', 'sales', '--account', 'acc', '--json']);
    expect(JSON.parse(ran.out)).toMatchObject({ session_id: 'sales', workspace_id: 7, account_id: 'acc' });
  });

  it('ends with 2 for a workspace id of 007, with what the router says of it', async () => {
    const ran = await wharf(['sessions', 'create', '007']);
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(/leading zeros.*\(invalid_request, request .+\)/);
  });

  it('ends with 1 when a session of that id has other settings', async () => {
    const ran = await wharf(['sessions', 'create', '7', 'sales', '--account', 'other']);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('(session_exists');
  });

  it('lists them in a table', async () => {
    await wharf(['sessions', 'create', 'table', 'b']);
    await wharf(['sessions', 'create', 'table', 'a']);
    await instance.setStatus('table', 'a', 'ready');
    const ran = await wharf(['sessions', 'list', '-w', 'table', '--status', 'ready']);
    expect(ran.out).toBe(
      [
        'WORKSPACE  SESSION  STATUS  PHONE NUMBER  INSTANCE    MEMORY  LAST ACTIVITY  LAST ERROR',
        'table      a        ready   -             instance-1  -       -',
        '1 session',
        '',
      ].join('\n'),
    );
  });

  it('lists no more than asked, across pages', async () => {
    const ran = await wharf(['sessions', 'list', '-n', '2', '--json']);
    expect(JSON.parse(ran.out).sessions).toHaveLength(2);
  });

  it('asks for the workspace where two have a session of one id', async () => {
    await wharf(['sessions', 'create', '21', 'twin']);
    await wharf(['sessions', 'create', '22', 'twin']);
    const ran = await wharf(['sessions', 'restart', 'twin']);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('(ambiguous_session');
    expect((await wharf(['sessions', 'restart', 'twin', '-w', '22'])).code).toBe(0);
  });

  it('ends with 1 for a session that is not there', async () => {
    const ran = await wharf(['sessions', 'stop', 'nowhere']);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('(session_not_found');
  });

  it.each(['start', 'stop', 'restart', 'keep', 'unkeep'])('hands on %s', async (action) => {
    expect((await wharf(['sessions', action, 'sales', '-w', '7'])).code).toBe(0);
    expect(instance.asked.at(-1)).toMatchObject({
      method: 'POST',
      path: `/workspaces/7/sessions/sales/${action}`,
    });
  });

  it('puts no control characters of an error on the terminal', async () => {
    await wharf(['sessions', 'create', 'evil', 'x']);
    const session = instance.sessions.get('evil/x');
    if (session) session.last_error = 'bad\u001b[2Jthing\nsecond line';
    await instance.setStatus('evil', 'x', 'failed');
    const ran = await wharf(['sessions', 'list', '-w', 'evil']);
    expect(ran.out).toContain('bad [2Jthing second line');
    expect(ran.out).not.toContain('\u001b');
  });
});

describe('asking before what cannot be undone', () => {
  it('refuses to delete without --yes where nobody can be asked', async () => {
    await wharf(['sessions', 'create', '8', 'kept']);
    const ran = await wharf(['sessions', 'delete', 'kept']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('--yes');
    expect(instance.sessions.has('8/kept')).toBe(true);
  });

  it.each(['', 'n', 'no', 'yesterday'])('takes "%s" for a no', async (answer) => {
    const ran = await wharf(['sessions', 'delete', 'kept'], { answers: [answer] });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('Nothing was done.');
    expect(instance.sessions.has('8/kept')).toBe(true);
  });

  it('deletes after a yes, and says that the phone still lists what was not connected', async () => {
    const ran = await wharf(['sessions', 'delete', 'kept'], { answers: ['y'] });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('the phone still lists the device');
    expect(instance.sessions.has('8/kept')).toBe(false);
  });
});

describe('keys', () => {
  it('shows a new key once, lists it without its secret, and revokes it', async () => {
    const made = await wharf(['keys', 'create', '--workspace', '7', '--name', 'shop']);
    const [key = '', about = ''] = made.out.split('\n');
    const id = /id (\w+)\./.exec(about)?.[1] ?? '';
    expect(key).toContain(id);

    const listed = await wharf(['keys', 'list']);
    expect(listed.out).toMatch(new RegExp(`^${id} +workspace 7 +shop`, 'm'));
    expect(listed.out).not.toContain(key);

    const seen = await wharf(['sessions', 'list', '--json'], { env: { WHARF_API_KEY: key } });
    expect(
      new Set(JSON.parse(seen.out).sessions.map((each: { workspace_id: number }) => each.workspace_id)),
    ).toEqual(new Set([7]));

    expect((await wharf(['keys', 'revoke', id, '--yes'])).code).toBe(0);
    const after = await wharf(['sessions', 'list'], { env: { WHARF_API_KEY: key } });
    expect(after.code).toBe(1);
    expect(after.err).toContain('(unauthorized');
  });

  it('makes keys that expire, and shows when', async () => {
    const made = await wharf(['keys', 'create', '--workspace', '7', '--name', 'agency', '--expires', '90d']);
    expect(made.out).toMatch(/It is not shown again\. It expires at \d{4}-\d\d-\d\dT[\d:.]+Z\.\n$/);
    const listed = await wharf(['keys', 'list']);
    expect(listed.out).toMatch(/^\w+ +workspace 7 +agency +\d+ s ago +in (90 d|89 d 23 h)$/m);
    expect(listed.out).toMatch(/^environment +admin +WHARF_ADMIN_KEY +- +-$/m);
    const json = await wharf(['keys', 'create', '--expires', '2098-01-31', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ kind: 'admin', expires_at: '2098-01-31T00:00:00.000Z' });
  });

  it('refuses an end that is none, or over', async () => {
    expect(await wharf(['keys', 'create', '--expires', 'soon'])).toMatchObject({ code: 2 });
    const over = await wharf(['keys', 'create', '--expires', '2020-01-01']);
    expect(over.code).toBe(2);
    expect(over.err).toContain('must be later than now');
  });

  it('ends with 1 for a wrong key', async () => {
    const ran = await wharf(['status'], { env: { WHARF_API_KEY: 'wrong' } });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('(unauthorized');
  });
});

describe('status', () => {
  it('shows instances and sums up the sessions', async () => {
    const ran = await wharf(['status']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(`Fleet ${fleet.url}`);
    expect(ran.out).toMatch(/^instance-1 +healthy +\S+ +\d+\/50 +\d+ +50 MB +0 % +\d+ s ago$/m);
    expect(ran.out).toMatch(/^\d+ sessions: .*\d+ starting.*\d+ ready/m);
  });

  it('writes colours where they are wanted, and nowhere else', async () => {
    expect((await wharf(['status'])).out).not.toContain('\u001b');
    expect((await wharf(['status'], { color: true })).out).toContain('\u001b[32mhealthy\u001b[39m');
  });
});
