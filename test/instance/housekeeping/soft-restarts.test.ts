import { describe, expect, it } from 'vitest';
import { type SoftRestartParts, SoftRestarts } from '../../../instance/housekeeping/soft-restarts.ts';
import { housekeptSessions } from './housekept-sessions.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const OLD = 2 * DAY;

/** Sessions, and what restarts their browsers; nothing is in hand unless a test says so. */
async function scene(changes: Partial<SoftRestartParts> = {}) {
  const sessions = await housekeptSessions();
  const { clock, log, manager } = sessions;
  const ended: string[] = [];
  const gaps: number[] = [];
  const sending = { busy: new Set<string>(), held: 0 };
  const copied = new Set<string>();
  const restarts = new SoftRestarts({
    rules: { age: DAY, memory: 0 },
    manager,
    sending: {
      isCalm: (session) => !sending.busy.has(session.record.session_id),
      holdBack: (session) => {
        if (sending.busy.has(session.record.session_id)) return undefined;
        sending.held += 1;
        return () => {
          sending.held -= 1;
        };
      },
    },
    copies: { isUnderWay: (_workspace, session) => copied.has(session) },
    memoryOf: () => undefined,
    isShort: async () => false,
    isWell: () => true,
    patience: 20_000,
    clock,
    log,
    onEnd: (reason, outcome, gap) => {
      ended.push(`${reason} ${outcome}`);
      gaps.push(gap);
    },
    ...changes,
  });
  const round = () => restarts.round(new AbortController().signal);
  /** All browsers are new now. */
  const begin = async () => await round();
  return { ...sessions, begin, copied, ended, gaps, restarts, round, sending };
}

describe('a soft restart', () => {
  it('closes a browser that is old cleanly and starts it again in place, and counts no reconnect', async () => {
    const { begin, clients, clock, ended, gaps, manager, ready, restarts, round, sending } = await scene();
    const session = await ready();
    await begin();
    clock.pass(DAY - 1);
    await round();
    expect(clients.made).toHaveLength(1);
    clock.pass(OLD);
    expect(restarts.due).toBe(1);
    await round();
    expect(ended).toEqual(['age ready']);
    expect(clients.made.map(({ calls }) => calls)).toEqual([['start', 'stop'], ['start']]);
    expect(clients.most).toBe(1);
    expect(session.status).toBe('ready');
    expect(session.detail().reconnects).toBe(0);
    expect(gaps[0]).toBeGreaterThanOrEqual(0);
    expect(sending.held).toBe(0);
    expect(restarts.due).toBe(0);
    await manager.close(1000);
  });

  it('is made for one session at a time, with some time between two', async () => {
    const { begin, clients, clock, ended, manager, ready, round } = await scene();
    await Promise.all([ready('a'), ready('b'), ready('c')]);
    await begin();
    clock.pass(OLD);
    await round();
    await round();
    expect(clients.made).toHaveLength(4);
    for (let count = 2; count <= 3; count += 1) {
      clock.pass(10 * 60_000);
      await round();
      expect(ended).toHaveLength(count);
    }
    expect(clients.most).toBe(1);
    await manager.close(1000);
  });

  it.each(['sends', 'is copied', 'is stopped', 'waits to be linked'])(
    'is not made while a session %s',
    async (what) => {
      const { begin, clients, clock, copied, manager, ready, round, sending, told } = await scene();
      told.comeBack = what !== 'waits to be linked';
      const session = told.comeBack
        ? await ready()
        : (await manager.create('7', 'main', { account_id: null, proxy: null }, true)).session;
      await begin();
      clock.pass(OLD);
      if (what === 'sends') sending.busy.add('main');
      if (what === 'is copied') copied.add('main');
      if (what === 'is stopped') await session.stop();
      const made = clients.made.length;
      await round();
      expect(clients.made).toHaveLength(made);
      await manager.close(1000);
    },
  );

  it('is not made where a message came while its turn was waited for', async () => {
    const { begin, clients, clock, ended, manager, ready, round, sending } = await scene();
    await ready();
    await begin();
    clock.pass(OLD);
    let letGo = () => {};
    const turn = manager.inItsTurn(
      '7',
      'main',
      false,
      () => new Promise<void>((resolve) => (letGo = resolve)),
    );
    const restarting = round();
    await new Promise((resolve) => setTimeout(resolve, 20));
    sending.busy.add('main');
    letGo();
    await Promise.all([turn, restarting]);
    expect(clients.made).toHaveLength(1);
    expect(ended).toEqual([]);
    await manager.close(1000);
  });

  it('is not made while the instance is not well, nor for a workspace that is handed over', async () => {
    let isWell = false;
    const { begin, clients, clock, ended, granting, manager, ready, round } = await scene({
      isWell: () => isWell,
    });
    const session = await ready();
    await begin();
    clock.pass(OLD);
    await round();
    isWell = true;
    granting.ownership.revoke('7', session.epoch);
    await round();
    expect(clients.made).toHaveLength(1);
    expect(ended).toEqual([]);
    await manager.close(1000);
  });

  it('that fails stops all further ones for an hour, and for two where the next fails as well', async () => {
    const { begin, clock, ended, lines, manager, ready, restarts, round, told } = await scene();
    await Promise.all([ready('a'), ready('b')]);
    await begin();
    clock.pass(OLD);
    told.comeBack = false;
    await round();
    expect(ended).toEqual(['age failed']);
    expect(restarts.isHeld).toBe(true);
    expect(lines.some(({ held_minutes }) => held_minutes === 60)).toBe(true);
    clock.pass(HOUR - 1000);
    await round();
    expect(ended).toHaveLength(1);
    clock.pass(1000);
    expect(restarts.isHeld).toBe(false);
    // The other is still on its way: nothing is restarted for its age meanwhile.
    await round();
    expect(ended).toHaveLength(1);
    const stuck = manager.all().find(({ status }) => status !== 'ready');
    await stuck?.stop();
    await round();
    expect(ended).toEqual(['age failed', 'age failed']);
    expect(lines.some(({ held_minutes }) => held_minutes === 120)).toBe(true);
    await manager.close(1000);
  });

  it('after which a session goes on with an older copy of its profile counts as one that failed, at once', async () => {
    const { begin, clients, clock, ended, manager, profiles, ready, restarts, round, told } = await scene({
      patience: 365 * DAY,
    });
    const session = await ready();
    await begin();
    clock.pass(OLD);
    profiles.lastGood = 'a good copy';
    told.asksForQr.add(2);
    told.comeBack = false;
    await round();
    expect(ended).toEqual(['age failed']);
    expect(restarts.isHeld).toBe(true);
    await expect.poll(() => clients.made.length, { timeout: 20_000 }).toBe(3);
    clients.last.becomeReady();
    expect(session.status).toBe('ready');
    await manager.close(1000);
  });

  it('is called off, and no failure, where somebody stops the session meanwhile', async () => {
    const { begin, clients, clock, ended, manager, ready, restarts, round, told } = await scene();
    const session = await ready();
    await begin();
    clock.pass(OLD);
    told.comeBack = false;
    const restarting = round();
    await expect.poll(() => clients.made.length, { timeout: 20_000 }).toBe(2);
    await session.stop();
    await restarting;
    expect(ended).toEqual(['age called_off']);
    expect(restarts.isHeld).toBe(false);
    await manager.close(1000);
  });

  it('for memory is made for the largest, and again only when it is older each time', async () => {
    const bytes = 2000 * 1024 ** 2;
    const { begin, clock, ended, manager, ready, round, clients } = await scene({
      rules: { age: 0, memory: 1024 * 1024 ** 2 },
      memoryOf: () => bytes,
    });
    await ready();
    // Browsers without a process have no memory: these pretend to have one.
    for (const client of clients.made) Object.defineProperty(client, 'browserPid', { value: 1 });
    await begin();
    clock.pass(HOUR);
    await round();
    expect(ended).toEqual(['memory ready']);
    Object.defineProperty(clients.last, 'browserPid', { value: 1 });
    await round();
    clock.pass(HOUR);
    await round();
    expect(ended).toHaveLength(1);
    clock.pass(HOUR);
    await round();
    expect(ended).toEqual(['memory ready', 'memory ready']);
    await manager.close(1000);
  });
});
