import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { ADMIN_KEY, startFleet, type TestFleet } from '../helpers/router.ts';
import { runWharf, type TerminalOptions } from '../helpers/terminal.ts';
import { testEvent } from '../router/webhooks/desk.ts';
import { startReceiver } from '../router/webhooks/receiver.ts';

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await startFleet();
});
afterAll(() => fleet.close());

const wharf = (words: string[], options: TerminalOptions = {}) =>
  runWharf(['webhooks', ...words], { env: { WHARF_URL: fleet.url, WHARF_API_KEY: ADMIN_KEY }, ...options });

describe('wharf webhooks', () => {
  it('says how to begin when there is none', async () => {
    expect((await wharf(['list'])).out).toContain('wharf webhooks set');
    const ran = await wharf(['get', '7']);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('(webhook_not_found')]);
  });

  it('sets one, shows its secret once, and tests it', async () => {
    const receiver = await startReceiver();
    const set = await wharf(['set', '7', receiver.url, '--events', 'message.received', 'message.status']);
    expect(set.code).toBe(0);
    expect(set.out).toMatch(/^whsec_[A-Za-z0-9+/=]+$/m);
    expect(set.out).toContain('message.received, message.status');
    const get = await wharf(['get', '7']);
    expect(get.out).not.toContain('whsec_');
    expect(get.out).toMatch(/^state +delivering$/m);
    const tested = await wharf(['test', '7']);
    expect([tested.code, tested.out]).toEqual([
      0,
      expect.stringMatching(/^Taken with status 200 after \d+ ms/),
    ]);
    receiver.behaviour = () => 500;
    const refused = await wharf(['test', '7']);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('it answered 500')]);
  });

  it('rotates, also at once', async () => {
    const ran = await wharf(['rotate', '7', '--keep-hours', '2', '--json']);
    expect(JSON.parse(ran.out).secrets).toHaveLength(2);
    expect((await wharf(['rotate', '7', '--keep-hours', '0'])).out).toMatch(/^secrets +\.\.\.\S{4}$/m);
    expect((await wharf(['rotate', '7', '--keep-hours', '500'])).code).toBe(2);
  });

  it('shows one that is gone, and enables it', async () => {
    const receiver = await startReceiver(() => 410);
    await wharf(['set', '8', receiver.url]);
    await fleet.router.services.events.append([testEvent('8', 'main', 'a', Date.now())]);
    await eventually(async () => (await wharf(['list'])).out.includes('disabled'));
    expect((await wharf(['get', '8'])).out).toContain('disabled: its receiver answered 410 Gone');
    receiver.behaviour = () => 200;
    expect((await wharf(['enable', '8'])).code).toBe(0);
    await eventually(() => receiver.taken.length === 1);
  });

  it('lists dead letters, and replays what is named or all', async () => {
    expect((await wharf(['dead-letters', '7'])).out).toBe('There are no dead letters.\n');
    expect((await wharf(['replay', '7'])).code).toBe(2);
    expect((await wharf(['replay', '7', 'evt_1', '--all'])).code).toBe(2);
    expect((await wharf(['replay', '7', '--all'])).out).toBe('0 events are on the way again.\n');
    expect((await wharf(['replay', '7', 'evt_1'])).out).toContain('No dead letters: evt_1');
  });

  it('asks before it removes one', async () => {
    expect((await wharf(['remove', '7'])).code).toBe(2);
    expect((await wharf(['remove', '7'], { answers: ['n'] })).code).not.toBe(0);
    expect((await wharf(['remove', '7', '--yes'])).out).toBe('Removed the webhook of workspace 7.\n');
    expect((await wharf(['get', '7'])).code).toBe(1);
  });
});
