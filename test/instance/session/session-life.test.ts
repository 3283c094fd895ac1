import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { type LifeTimeouts, SessionLife } from '../../../instance/session/session-life.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type ClientScript, FakeClients } from '../helpers/fake-clients.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { aTenure } from '../helpers/session-parts.ts';

const LONG: LifeTimeouts = { health: 30_000, ready: 600_000, qr: 600_000 };

function begin(
  given: { script?: Partial<ClientScript>; timeouts?: Partial<LifeTimeouts>; linked?: boolean } = {},
) {
  const clients = new FakeClients(given.script);
  const clock = new ManualClock();
  const told: string[] = [];
  const abort = new AbortController();
  let started = 0;
  const life = new SessionLife({
    workspace: '7',
    session: 'main',
    dataPath: '/nowhere',
    proxy: null,
    linked: given.linked ?? false,
    clients: clients.factory,
    authority: aTenure(),
    timeouts: { ...LONG, ...given.timeouts },
    clock,
    log: createLogger('silent', {}),
    events: {
      qr: (code) => told.push(`qr ${code}`),
      authenticated: () => told.push('authenticated'),
      ready: () => told.push('ready'),
      happened: ({ kind }) => told.push(kind),
      corrupted: () => told.push('corrupted'),
    },
  });
  const ending = life.run(abort.signal, () => {
    started += 1;
  });
  return { clients, client: clients.last, clock, told, abort, ending, started: () => started };
}

describe("a life of a session's browser", () => {
  it('tells its events on, and ends cleanly when it is asked to', async () => {
    const { client, told, abort, ending, clients } = begin();
    client.events.qr('one');
    client.events.qr('two');
    client.becomeReady();
    client.events.happened({ kind: 'ack', whatsappId: 'a', ack: 1 });
    abort.abort();
    expect(await ending).toEqual({ kind: 'stopped', clean: true });
    expect(told).toEqual(['qr one', 'qr two', 'authenticated', 'ready', 'ack']);
    expect(client.calls.at(-1)).toBe('stop');
    expect(clients.running).toBe(0);
  });

  it('ends one that was told to stop before it began', async () => {
    const abort = new AbortController();
    abort.abort();
    const clients = new FakeClients();
    const life = new SessionLife({
      workspace: '7',
      session: 'main',
      dataPath: '/nowhere',
      proxy: null,
      linked: false,
      clients: clients.factory,
      authority: aTenure(),
      timeouts: LONG,
      clock: new ManualClock(),
      log: createLogger('silent', {}),
      events: {
        qr: () => {},
        authenticated: () => {},
        ready: () => {},
        happened: () => {},
        corrupted: () => {},
      },
    });
    expect(await life.run(abort.signal, () => {})).toMatchObject({ kind: 'stopped' });
    expect(clients.running).toBe(0);
  });

  it('says that it has started when the page was looked at, so that the next may', async () => {
    let open = () => {};
    const { started, abort, ending } = begin({
      script: {
        start: () =>
          new Promise((resolve) => {
            open = resolve;
          }),
      },
    });
    expect(started()).toBe(0);
    open();
    await eventually(() => started() === 1);
    abort.abort();
    await ending;
  });

  it('ends one that is stopped while it starts, and waits for the start of nothing', async () => {
    const { abort, ending, client, clients, started } = begin({
      script: { start: () => new Promise(() => {}) },
    });
    abort.abort();
    expect(await ending).toEqual({ kind: 'stopped', clean: true });
    expect(client.calls).toEqual(['start', 'stop']);
    expect(clients.running).toBe(0);
    expect(started()).toBeGreaterThan(0);
  });

  it('tells why a start failed', async () => {
    const { ending, clients } = begin({
      script: {
        start: async () => {
          throw new Error('no page');
        },
      },
    });
    expect(await ending).toEqual({
      kind: 'lost',
      reason: 'start_failed',
      detail: 'no page',
      wasReady: false,
    });
    expect(clients.running).toBe(0);
  });

  it.each([
    ['browser_gone', 'kill'],
    ['page_crashed', 'kill'],
    ['conflict', 'stop'],
    ['unpaired', 'stop'],
    ['disconnected', 'stop'],
  ] as const)('ends a browser lost by %s with %s', async (reason, call) => {
    const { client, ending } = begin();
    client.becomeReady();
    client.events.lost(reason, 'why');
    expect(await ending).toEqual({ kind: 'lost', reason, detail: 'why', wasReady: true });
    expect(client.calls.at(-1)).toBe(call);
  });

  it('takes the first ending for the ending, and hears no more of it', async () => {
    const { client, told, ending } = begin();
    client.events.lost('browser_gone', 'first');
    client.events.loggedOut();
    client.events.lost('conflict', 'third');
    client.becomeReady();
    client.events.qr('late');
    expect(await ending).toMatchObject({ kind: 'lost', detail: 'first' });
    expect(told).toEqual([]);
  });

  it('counts a QR of an account that was linked as the loss of its link', async () => {
    const { client, told, ending } = begin({ linked: true });
    client.events.qr('code');
    expect(await ending).toMatchObject({ kind: 'link_lost' });
    expect(told).toEqual([]);
  });

  it('is logged out when the phone removed the device', async () => {
    const { client, ending } = begin();
    client.becomeReady();
    client.events.loggedOut();
    expect(await ending).toMatchObject({ kind: 'logged_out' });
  });

  it('is lost when it is not ready in time, also after the link', async () => {
    const first = begin({ timeouts: { ready: 5 } });
    expect(await first.ending).toMatchObject({ kind: 'lost', reason: 'ready_timeout', wasReady: false });
    const second = begin({ timeouts: { ready: 5 } });
    second.client.events.qr('code');
    second.client.events.authenticated();
    expect(await second.ending).toMatchObject({ kind: 'lost', reason: 'ready_timeout' });
  });

  it('gives up when nobody scans, however often the code rotates', async () => {
    const { client, ending } = begin({ timeouts: { qr: 20 } });
    client.events.qr('one');
    client.events.qr('two');
    expect(await ending).toMatchObject({ kind: 'not_linked', clean: true });
  });

  it('stays when it is ready, with the time to become so long over', async () => {
    const { client, ending, abort } = begin({ timeouts: { ready: 30 } });
    client.becomeReady();
    await new Promise((resolve) => setTimeout(resolve, 60));
    abort.abort();
    expect(await ending).toMatchObject({ kind: 'stopped' });
  });

  it('is lost when two round trips fail one after the other, a second apart', async () => {
    let answers = [true, false, true, false, false];
    const { client, clock, ending } = begin({
      script: {
        ping: async () => {
          const [now, ...rest] = answers;
          answers = rest;
          if (!now) throw new Error('silent');
        },
      },
    });
    client.becomeReady();
    for (const milliseconds of [30_000, 30_000, 1000, 30_000, 1000])
      await eventually(() => clock.wake(milliseconds));
    expect(await ending).toMatchObject({ kind: 'lost', reason: 'no_answer', wasReady: true });
    expect(client.calls.filter((call) => call === 'ping')).toHaveLength(5);
    expect(client.calls.at(-1)).toBe('kill');
    expect(clock.slept).toEqual([30_000, 30_000, 1000, 30_000, 1000]);
  });
});
