import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { Session, type SessionParts } from '../../../instance/session/session.ts';
import { StartGate } from '../../../instance/session/start-gate.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type ClientScript, FakeClients } from '../helpers/fake-clients.ts';
import { aRecord, aTenure, memoryParts } from '../helpers/session-parts.ts';

const never = new AbortController().signal;

function make(
  given: {
    script?: Partial<ClientScript>;
    record?: Partial<SessionRecord>;
    parts?: Partial<SessionParts>;
  } = {},
) {
  const clients = new FakeClients(given.script);
  const memory = memoryParts(clients, given.parts);
  const record = aRecord(given.record);
  memory.store.records.set('7/main', record);
  const session = new Session(record, aTenure(), memory.parts);
  return { clients, session, ...memory, stored: () => memory.store.records.get('7/main') };
}

/** A session whose client, made so many times, has been started. */
async function running(given: Parameters<typeof make>[0] = {}) {
  const made = make(given);
  made.session.resume();
  await started(made.clients, 1);
  return made;
}

async function started(clients: FakeClients, count: number): Promise<void> {
  await eventually(() => clients.made.length === count && clients.last.calls.length > 0);
}

async function ready(given: Parameters<typeof make>[0] = {}) {
  const made = await running(given);
  made.clients.last.becomeReady();
  expect(made.session.status).toBe('ready');
  return made;
}

describe('a session', () => {
  it('goes from start by QR to ready, writes down that it is linked, and shows it', async () => {
    const { session, clients, history, stored } = await running();
    clients.last.events.qr('code');
    expect(session.links.current?.code).toBe('code');
    clients.last.becomeReady();
    expect(session.links.current).toBeUndefined();
    await eventually(() => stored()?.linked);
    expect(history).toEqual(['starting', 'qr', 'authenticated', 'ready']);
    expect(session.detail()).toMatchObject({ status: 'ready', phone_number: '491701234567', reconnects: 0 });
    expect(session.detail().connected_at).not.toBeNull();
    await session.stop();
    expect(session.detail()).toMatchObject({ status: 'stopped', connected_at: null });
    expect(stored()).toMatchObject({ should_run: false, linked: true });
    expect(clients.running).toBe(0);
  });

  it('notes a clean stop, and none where the browser had to be killed', async () => {
    const clean = await ready();
    await clean.session.stop();
    expect(clean.profiles.clean).toHaveLength(1);
    const killed = await ready({ script: { stop: async () => false } });
    await killed.session.stop();
    expect(killed.profiles.clean).toHaveLength(0);
  });

  it('starts again at once when it is lost out of ready, and is ready again', async () => {
    const { session, clients, clock, history } = await ready();
    clients.last.events.lost('browser_gone', 'killed');
    await eventually(() => clock.wake(0));
    await started(clients, 2);
    expect(session.detail().last_error).toBe('browser_gone: killed');
    clients.last.becomeReady();
    expect(history).toEqual([
      'starting',
      'authenticated',
      'ready',
      'disconnected',
      'starting',
      'authenticated',
      'ready',
    ]);
    expect(session.detail()).toMatchObject({ reconnects: 1, last_error: null });
    await session.stop();
    expect(clients.most).toBe(1);
  });

  it('raises one alarm after ten tries, and goes on every quarter of an hour', async () => {
    const { session, clock, lines, clients } = make({
      script: {
        start: async () => {
          throw new Error('no page');
        },
      },
    });
    session.resume();
    const delays = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900].map(
      (seconds) => seconds * 1000,
    );
    for (const delay of delays) await eventually(() => clock.wake(delay));
    await eventually(() => clients.made.length === 14 && session.status === 'disconnected');
    const alarms = lines.filter((line) => String(line['msg']).includes('does not come back'));
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatchObject({ level: 'error', attempts: 11 });
    expect(session.record.should_run).toBe(true);
    await session.stop();
    expect(session.status).toBe('stopped');
  });

  it('begins the back-off anew once it was ready', async () => {
    let fails = true;
    const { session, clock, clients } = make({
      script: {
        start: async () => {
          if (fails) throw new Error('no page');
        },
      },
    });
    session.resume();
    await eventually(() => clock.wake(5000));
    await eventually(() => clock.slept.includes(10_000));
    fails = false;
    clock.wake(10_000);
    await started(clients, 3);
    clients.last.becomeReady();
    fails = true;
    clients.last.events.lost('page_crashed', 'x');
    await eventually(() => clock.wake(0));
    await eventually(() => clock.wake(5000));
    await session.stop();
  });

  it('ends while it waits for its turn to start, without ever starting', async () => {
    const gate = new StartGate(1);
    const leave = await gate.enter(never);
    const { session, clients } = make({ parts: { gate } });
    session.resume();
    expect(session.status).toBe('starting');
    await session.stop();
    expect(session.status).toBe('stopped');
    expect(clients.made).toHaveLength(0);
    leave();
  });

  it('ends while its browser starts', async () => {
    const { session, clients } = await running({ script: { start: () => new Promise(() => {}) } });
    await session.stop();
    expect(clients.last.calls).toEqual(['start', 'stop']);
    expect([session.status, clients.running]).toEqual(['stopped', 0]);
  });

  it('ends while it waits for the next try', async () => {
    const { session, clients, clock } = await running({
      script: {
        start: async () => {
          throw new Error('no');
        },
      },
    });
    await eventually(() => clock.slept.includes(5000));
    await session.stop();
    expect([session.status, clients.made.length]).toEqual(['stopped', 1]);
  });

  it('gives its place at the gate up when it has started, failed or ended', async () => {
    const gate = new StartGate(1);
    const one = await ready({ parts: { gate } });
    const leave = await gate.enter(never);
    leave();
    one.clients.last.events.lost('browser_gone', 'x');
    await eventually(() => one.clock.wake(0));
    await started(one.clients, 2);
    await one.session.stop();
    (await gate.enter(never))();
  });

  it('keeps, when the phone removed the device, the profile in the trash, and can be linked anew', async () => {
    const { session, clients, trash, stored } = await ready();
    clients.last.events.loggedOut();
    await eventually(() => session.status === 'logged_out');
    expect(trash.moved).toEqual(['main/gen-1']);
    expect(stored()).toMatchObject({ should_run: false, linked: false, phone_number: null });
    expect(session.detail().last_error).toMatch(/removed on the phone.*trash for 7 days/);
    await session.start();
    await started(clients, 2);
    clients.last.events.qr('new');
    expect(session.status).toBe('qr');
    expect(session.detail().last_error).toBeNull();
    await session.stop();
  });

  it('counts a QR after it was linked as a logout, where there is no good copy of its profile', async () => {
    const { session, clients, trash } = await running({ record: { linked: true, phone_number: '1' } });
    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(trash.moved).toEqual(['main/gen-1']);
    expect(session.links.current).toBeUndefined();
  });

  it('that asks for a QR though it was linked is started with its last good copy, once', async () => {
    const { session, clients, clock, profiles, trash, stored, lines } = await running({
      record: { linked: true, phone_number: '491701234567' },
    });
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.qr('code');
    await eventually(() => clock.wake(0));
    await started(clients, 2);
    expect(profiles.calls).toEqual(['last good']);
    expect(stored()).toMatchObject({ linked: true, should_run: true, restored_at: expect.any(String) });
    expect(session.links.current).toBeUndefined();
    expect(trash.moved).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        from: 'the good copy of yesterday',
        reason: expect.stringContaining('QR'),
      }),
    );

    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(profiles.calls).toEqual(['last good']);
    expect(clients.most).toBe(1);
    expect(trash.moved).toEqual(['main/gen-1']);
  });

  it('may be started with its last good copy again once it was ready with it', async () => {
    const { session, clients, clock, profiles, stored } = await running({
      record: { linked: true, phone_number: '491701234567' },
    });
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.qr('code');
    await eventually(() => clock.wake(0));
    await started(clients, 2);
    clients.last.becomeReady();
    await eventually(() => stored()?.restored_at === null);
    await eventually(() => profiles.calls.includes('tidy'));
    await session.restart();
    await started(clients, 3);
    clients.last.events.qr('code');
    await eventually(() => clock.wake(0));
    await started(clients, 4);
    expect(profiles.calls).toEqual(['last good', 'ready', 'tidy', 'good copy', 'last good']);
    await session.stop();
  });

  it('is not started with its last good copy where the phone removed the device', async () => {
    const { session, clients, profiles } = await ready();
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.loggedOut();
    await eventually(() => session.status === 'logged_out');
    expect(profiles.calls).not.toContain('last good');
  });

  it('whose instance ended after it had tried its last good copy does not try it again', async () => {
    const { session, clients, profiles } = await running({
      record: { linked: true, phone_number: '1', restored_at: '2026-11-22T00:00:00.000Z' },
    });
    profiles.lastGood = 'the good copy of yesterday';
    clients.last.events.qr('code');
    await eventually(() => session.status === 'logged_out');
    expect(profiles.calls).toEqual([]);
  });

  it('whose instance ended between taking the last good copy and saying so says so at the next start', async () => {
    const { session, profiles, clients, stored } = make({ record: { linked: true, phone_number: '1' } });
    profiles.lastGood = 'the good copy of yesterday';
    await profiles.prepareLastGood();
    session.resume();
    await started(clients, 1);
    expect(stored()).toMatchObject({ restored_at: expect.any(String) });
    await session.stop();
  });

  it('whose profile is damaged is started with its last good copy, where it was linked', async () => {
    const { session, profiles, clients } = make({ record: { linked: true, phone_number: '1' } });
    profiles.state = 'damaged';
    profiles.lastGood = 'the good copy of yesterday';
    session.resume();
    await started(clients, 1);
    expect(profiles.calls).toEqual(['last good']);
    await session.stop();
  });

  it('keeps a copy of its profile after a clean stop, if it was ready before', async () => {
    const unlinked = await running();
    await unlinked.session.stop();
    expect(unlinked.profiles.calls).toEqual([]);
    const linked = await ready();
    await linked.session.stop();
    expect(linked.profiles.calls).toEqual(['ready', 'tidy', 'good copy']);
  });

  it('stops when nobody scans in time, and is not linked for it', async () => {
    const { session, clients, stored } = await running({
      parts: { timeouts: { health: 30_000, ready: 600_000, qr: 5 } },
    });
    clients.last.events.qr('code');
    await eventually(() => session.status === 'stopped');
    expect(stored()).toMatchObject({ should_run: false, last_error: null });
  });

  it('fails for good where a person must act, and says what', async () => {
    const { session, profiles, stored } = make();
    profiles.fault = new WharfError('chromium_too_old', 'install a newer one');
    session.resume();
    await eventually(() => session.status === 'failed');
    expect(stored()).toMatchObject({ should_run: false, last_error: 'install a newer one' });
    profiles.fault = undefined;
    profiles.state = 'damaged';
    await session.start();
    await eventually(() => session.status === 'failed' && session.record.last_error?.includes('damaged'));
    profiles.state = 'ready';
    await session.start();
    await eventually(() => session.status === 'starting');
    await session.stop();
  });

  it('tries again where the storage fails, which may pass', async () => {
    const { session, profiles, clock, clients } = make();
    profiles.fault = new WharfError('storage_unavailable', 'the disk is full');
    session.resume();
    await eventually(() => clock.slept.includes(5000));
    expect(session.detail()).toMatchObject({
      status: 'disconnected',
      last_error: 'start_failed: the disk is full',
    });
    profiles.fault = undefined;
    clock.wake(5000);
    await started(clients, 1);
    await session.stop();
  });

  it('stays as it is when a wish cannot be written down', async () => {
    const { session, store, clients } = await ready();
    await eventually(() => store.records.get('7/main')?.linked);
    store.fault = new WharfError('storage_unavailable', 'full');
    await expect(session.stop()).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect([session.status, session.record.should_run, clients.running]).toEqual(['ready', true, 1]);
    store.fault = undefined;
    await session.stop();
    expect(session.status).toBe('stopped');
  });

  it('keeps the last wish and the link, when both are written at one time', async () => {
    const { session, store, stored, clients } = await running();
    store.turns = () => 5;
    clients.last.becomeReady();
    await session.stop();
    expect(stored()).toMatchObject({ should_run: false, linked: true, phone_number: '491701234567' });
  });

  it('logs out: tells WhatsApp where it is connected, and says so where it cannot', async () => {
    const connected = await ready();
    expect(await connected.session.logout()).toBe(true);
    expect(connected.session.detail()).toMatchObject({ status: 'logged_out', last_error: null });
    expect(connected.trash.moved).toEqual(['main/gen-1']);
    expect(connected.clients.running).toBe(0);

    const away = make({ record: { linked: true, should_run: false } });
    expect(await away.session.logout()).toBe(false);
    expect(away.session.detail()).toMatchObject({
      status: 'logged_out',
      last_error: expect.stringContaining('remove the device on the phone'),
    });

    const unlinked = make({ record: { should_run: false } });
    expect(await unlinked.session.logout()).toBe(false);
    expect(unlinked.session.detail().last_error).toBeNull();
  });

  it('is not started by anything once it is closed', async () => {
    const { session, clients, stored } = await ready();
    const restarting = session.restart();
    await session.close();
    await restarting;
    await session.start();
    await nextTurn();
    expect(clients.running).toBe(0);
    expect(clients.made).toHaveLength(1);
    expect(stored()).toMatchObject({ should_run: true });
  });

  it('comes back at a start of the instance as it was left', () => {
    const rest = (record: Partial<SessionRecord>) =>
      make({ record: { should_run: false, ...record } }).session.status;
    expect(rest({})).toBe('stopped');
    expect(rest({ linked: true, last_error: 'a newer Chromium' })).toBe('failed');
    expect(rest({ linked: false, last_error: 'Logged out' })).toBe('logged_out');
  });
});

describe('what is sent by a session', () => {
  it.each(['stopped', 'qr'] as const)('is refused while it is %s, with what to do', async (status) => {
    const { session, clients } = status === 'qr' ? await running() : make();
    if (status === 'qr') clients.last.events.qr('code');
    await expect(session.sendingClient()).rejects.toMatchObject({
      code: 'session_not_ready',
      // Waiting helps in neither.
      retryAfter: undefined,
      extra: { session_status: status },
      message: expect.stringMatching(status === 'qr' ? /scan its QR/ : /Start it first/),
    });
    await session.stop();
  });

  it('is refused while it starts, with when to try again', async () => {
    const { session } = await running();
    await expect(session.sendingClient()).rejects.toMatchObject({
      code: 'session_not_ready',
      retryAfter: 5,
      extra: { session_status: 'starting' },
    });
    await session.stop();
  });

  it('goes to the browser that runs now', async () => {
    const { session, clients } = await ready({});
    expect(await session.sendingClient()).toBe(clients.last);
    await session.stop();
  });
});

describe('a session whose browser is to be started anew', () => {
  it('gets another, and goes on', async () => {
    const { session, clients } = await ready({});
    await session.renew();
    await eventually(() => clients.made.length === 2);
    expect(clients.made[0]?.calls).toContain('stop');
    expect(session.record.should_run).toBe(true);
    await session.stop();
  });

  it('is left alone where it rests', async () => {
    const { session, clients } = await ready({});
    await session.stop();
    await session.renew();
    expect(clients.made).toHaveLength(1);
    expect(session.status).toBe('stopped');
  });
});

describe('a pairing code', () => {
  it('is waited for while the session starts, and leads to pairing', async () => {
    const { session, clients } = await running();
    const asked = session.requestPairingCode('491701234567', never);
    await nextTurn();
    clients.last.events.qr('code');
    expect(await asked).toBe('PAIR1234');
    expect(session.status).toBe('pairing');
    clients.last.events.qr('another');
    expect(session.status).toBe('pairing');
    await session.stop();
  });

  it('is refused where there is nothing to link', async () => {
    const { session } = await ready();
    await expect(session.requestPairingCode('491701234567', never)).rejects.toMatchObject({
      code: 'not_awaiting_qr',
    });
    await session.stop();
  });

  it('that comes when the account was linked by QR meanwhile changes nothing', async () => {
    let give = (_code: string) => {};
    const { session, clients } = await running({
      script: {
        pairingCode: () =>
          new Promise((resolve) => {
            give = resolve;
          }),
      },
    });
    clients.last.events.qr('code');
    const asked = session.requestPairingCode('491701234567', never);
    await nextTurn();
    clients.last.events.authenticated();
    give('LATE1234');
    await asked;
    expect(session.status).toBe('authenticated');
    await session.stop();
  });
});

const isWish = (wish: string): wish is 'start' | 'stop' | 'restart' =>
  ['start', 'stop', 'restart'].includes(wish);

/** Waits for so many turns of the event loop as anything here may take, doing something at each. */
async function inTurns(condition: () => boolean, meanwhile: () => void): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (condition()) return;
    meanwhile();
    await nextTurn();
  }
  throw new Error(`did not come true: ${condition}`);
}

describe('start, stop and restart in any order', () => {
  const step = fc.record({
    wish: fc.constantFrom('start', 'stop', 'restart', 'lose', 'log out', 'become ready', 'wake'),
    turns: fc.integer({ min: 0, max: 6 }),
  });

  it('run one client at the most, and the last wish wins, on the disk too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 10 }),
        async (steps, pace) => {
          let tick = 0;
          const slow = async () => {
            for (let turn = pace[tick++ % pace.length] ?? 0; turn > 0; turn -= 1) await nextTurn();
          };
          const made = make({
            script: {
              start: async () => {
                await slow();
                if (tick % 7 === 3) throw new Error('no page');
              },
              stop: async () => {
                await slow();
                return tick % 2 === 0;
              },
              kill: slow,
            },
            record: { should_run: false },
          });
          const { session, clients, store, clock, stored } = made;
          store.turns = () => pace[tick++ % pace.length] ?? 0;
          const wishes: Promise<unknown>[] = [];
          const client = () => clients.made.at(-1);
          for (const { wish, turns } of steps) {
            if (isWish(wish)) wishes.push(session[wish]());
            else if (wish === 'lose') client()?.events.lost('browser_gone', 'x');
            else if (wish === 'log out') client()?.events.loggedOut();
            else if (wish === 'become ready') client()?.becomeReady();
            else clock.wakeAll();
            for (let turn = 0; turn < turns; turn += 1) await nextTurn();
          }
          await Promise.all(wishes);
          // With nothing but the last wish under way, it comes true.
          await inTurns(
            () =>
              session.record.should_run === stored()?.should_run &&
              clients.running === Number(session.record.should_run),
            () => clock.wakeAll(),
          );
          const last = steps
            .map(({ wish }) => wish)
            .filter(isWish)
            .at(-1);
          const loggedOut = steps.some(({ wish }) => wish === 'log out');
          if (!loggedOut) expect(session.record.should_run).toBe(last !== undefined && last !== 'stop');
          if (!session.record.should_run) expect(['stopped', 'logged_out']).toContain(session.status);
          await session.stop();
          expect(clients.running).toBe(0);
          expect(clients.most).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never run a second client beside one that never ends', async () => {
    const { session, clients } = await ready({ script: { stop: () => new Promise(() => {}) } });
    void session.restart();
    void session.stop();
    void session.start();
    void session.restart();
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    expect(clients.made).toHaveLength(1);
    expect(clients.running).toBe(1);
  });
});
