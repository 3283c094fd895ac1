import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { newLossCounts } from '../../../instance/session/losses.ts';
import { StartGate } from '../../../instance/session/start-gate.ts';
import { eventually } from '../../helpers/eventually.ts';
import { aSession, readySession, runningSession, started } from '../helpers/lone-session.ts';

const never = new AbortController().signal;

describe('a session', () => {
  it('goes from start by QR to ready, writes down that it is linked, and shows it', async () => {
    const { session, clients, history, stored } = await runningSession();
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
    const clean = await readySession();
    await clean.session.stop();
    expect(clean.profiles.clean).toHaveLength(1);
    const killed = await readySession({ script: { stop: async () => false } });
    await killed.session.stop();
    expect(killed.profiles.clean).toHaveLength(0);
  });

  it('starts again at once when it is lost out of ready, and is ready again', async () => {
    const { session, clients, clock, history } = await readySession();
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

  it('counts its losses by reason, and the tries in a row that failed until it is ready', async () => {
    const losses = newLossCounts();
    let fails = false;
    const { session, clients, clock } = await readySession({
      parts: { losses },
      script: {
        start: async () => {
          if (fails) throw new Error('no page');
        },
      },
    });
    fails = true;
    clients.last.events.lost('page_crashed', 'x');
    await eventually(() => clock.wake(0));
    await eventually(() => clock.wake(5000));
    await eventually(() => clock.slept.includes(10_000));
    expect(session.failedStarts).toBe(2);
    expect(losses).toMatchObject({ page_crashed: 1, start_failed: 2, browser_gone: 0 });
    fails = false;
    clock.wake(10_000);
    await started(clients, 4);
    clients.last.becomeReady();
    expect(session.failedStarts).toBe(0);
    await session.stop();
  });

  it('raises one alarm after ten tries, and goes on every quarter of an hour', async () => {
    const { session, clock, lines, clients } = aSession({
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
    const { session, clock, clients } = aSession({
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
    const { session, clients } = aSession({ parts: { gate } });
    session.resume();
    expect(session.status).toBe('starting');
    await session.stop();
    expect(session.status).toBe('stopped');
    expect(clients.made).toHaveLength(0);
    leave();
  });

  it('ends while its browser starts', async () => {
    const { session, clients } = await runningSession({ script: { start: () => new Promise(() => {}) } });
    await session.stop();
    expect(clients.last.calls).toEqual(['start', 'stop']);
    expect([session.status, clients.running]).toEqual(['stopped', 0]);
  });

  it('ends while it waits for the next try', async () => {
    const { session, clients, clock } = await runningSession({
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
    const one = await readySession({ parts: { gate } });
    const leave = await gate.enter(never);
    leave();
    one.clients.last.events.lost('browser_gone', 'x');
    await eventually(() => one.clock.wake(0));
    await started(one.clients, 2);
    await one.session.stop();
    (await gate.enter(never))();
  });

  it('stops when nobody scans in time, and is not linked for it', async () => {
    const { session, clients, stored } = await runningSession({
      parts: { timeouts: { health: 30_000, ready: 600_000, qr: 5 } },
    });
    clients.last.events.qr('code');
    await eventually(() => session.status === 'stopped');
    expect(stored()).toMatchObject({ should_run: false, last_error: null });
  });

  it('fails for good where a person must act, and says what', async () => {
    const { session, profiles, stored } = aSession();
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
    const { session, profiles, clock, clients } = aSession();
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
    const { session, store, clients } = await readySession();
    await eventually(() => store.records.get('7/main')?.linked);
    store.fault = new WharfError('storage_unavailable', 'full');
    await expect(session.stop()).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect([session.status, session.record.should_run, clients.running]).toEqual(['ready', true, 1]);
    store.fault = undefined;
    await session.stop();
    expect(session.status).toBe('stopped');
  });

  it('keeps the last wish and the link, when both are written at one time', async () => {
    const { session, store, stored, clients } = await runningSession();
    store.turns = () => 5;
    clients.last.becomeReady();
    await session.stop();
    expect(stored()).toMatchObject({ should_run: false, linked: true, phone_number: '491701234567' });
  });

  it('logs out: tells WhatsApp where it is connected, and says so where it cannot', async () => {
    const connected = await readySession();
    expect(await connected.session.logout()).toBe(true);
    expect(connected.session.detail()).toMatchObject({ status: 'logged_out', last_error: null });
    expect(connected.trash.moved).toEqual(['main/gen-1']);
    expect(connected.clients.running).toBe(0);

    const away = aSession({ record: { linked: true, should_run: false } });
    expect(await away.session.logout()).toBe(false);
    expect(away.session.detail()).toMatchObject({
      status: 'logged_out',
      last_error: expect.stringContaining('remove the device on the phone'),
    });

    const unlinked = aSession({ record: { should_run: false } });
    expect(await unlinked.session.logout()).toBe(false);
    expect(unlinked.session.detail().last_error).toBeNull();
  });

  it('is not started by anything once it is closed', async () => {
    const { session, clients, stored } = await readySession();
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
      aSession({ record: { should_run: false, ...record } }).session.status;
    expect(rest({})).toBe('stopped');
    expect(rest({ linked: true, last_error: 'a newer Chromium' })).toBe('failed');
    expect(rest({ linked: false, last_error: 'Logged out' })).toBe('logged_out');
  });
});

describe('what is sent by a session', () => {
  it.each(['stopped', 'qr'] as const)('is refused while it is %s, with what to do', async (status) => {
    const { session, clients } = status === 'qr' ? await runningSession() : aSession();
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
    const { session } = await runningSession();
    await expect(session.sendingClient()).rejects.toMatchObject({
      code: 'session_not_ready',
      retryAfter: 5,
      extra: { session_status: 'starting' },
    });
    await session.stop();
  });

  it('goes to the browser that runs now', async () => {
    const { session, clients } = await readySession({});
    expect(await session.sendingClient()).toBe(clients.last);
    await session.stop();
  });
});

describe('a session whose browser is to be started anew', () => {
  it('gets another, and goes on', async () => {
    const { session, clients } = await readySession({});
    await session.renew();
    await eventually(() => clients.made.length === 2);
    expect(clients.made[0]?.calls).toContain('stop');
    expect(session.record.should_run).toBe(true);
    await session.stop();
  });

  it('is left alone where it rests', async () => {
    const { session, clients } = await readySession({});
    await session.stop();
    await session.renew();
    expect(clients.made).toHaveLength(1);
    expect(session.status).toBe('stopped');
  });
});

describe('a pairing code', () => {
  it('is waited for while the session starts, and leads to pairing', async () => {
    const { session, clients } = await runningSession();
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
    const { session } = await readySession();
    await expect(session.requestPairingCode('491701234567', never)).rejects.toMatchObject({
      code: 'not_awaiting_qr',
    });
    await session.stop();
  });

  it('that comes when the account was linked by QR meanwhile changes nothing', async () => {
    let give = (_code: string) => {};
    const { session, clients } = await runningSession({
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
