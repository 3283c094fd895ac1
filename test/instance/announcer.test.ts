import { describe, expect, it } from 'vitest';
import { WharfError } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import type { Announcement, SessionDetail } from '../../fleet/records.ts';
import type { Registry } from '../../fleet/registry.ts';
import { ANNOUNCE_INTERVAL, Announcer } from '../../instance/announcer.ts';
import { eventually } from '../helpers/eventually.ts';
import { fakeSession } from '../helpers/fake-instance.ts';
import { ManualClock } from './helpers/manual-clock.ts';

/** A registry that notes what it is told, and can be away. */
function noting() {
  const told: string[] = [];
  const state = { away: false, emptied: false, reading: false };
  const note = (what: string) => {
    if (state.away) throw new WharfError('redis_unavailable', 'away');
    told.push(what);
  };
  const registry = {
    announce: async (announcement: Announcement) => {
      note(`announce ${announcement.instance}`);
      return !state.emptied;
    },
    withdraw: async (instance: string, incarnation: string) => note(`withdraw ${instance} ${incarnation}`),
    publishSession: async (_instance: string, session: SessionDetail) =>
      note(`session ${session.session_id} ${session.status}`),
    removeSession: async (_instance: string, workspace: string, session: string) =>
      note(`gone ${workspace}/${session}`),
    replaceSessions: async (_instance: string, sessions: SessionDetail[]) =>
      note(`sessions ${sessions.map((session) => session.session_id).join()}`),
  } as unknown as Registry;
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const announcer = new Announcer(
    registry,
    {
      announcement: () => ({ instance: 'instance-1', incarnation: 'a' }) as Announcement,
      sessions: () => (state.reading ? undefined : [fakeSession('7', 'main', 'instance-1')]),
    },
    clock,
    createLogger('debug', {}, { write: (line) => lines.push(JSON.parse(line)) }),
  );
  return { announcer, told, state, clock, lines };
}

const EVERYTHING = ['announce instance-1', 'sessions main'];

describe('the announcer', () => {
  it('tells everything first, then that it lives at intervals, and at the end that it has gone', async () => {
    const { announcer, told, clock } = noting();
    const abort = new AbortController();
    const running = announcer.run(abort.signal);
    await eventually(() => clock.wake(ANNOUNCE_INTERVAL));
    await eventually(() => clock.wake(ANNOUNCE_INTERVAL));
    await eventually(() => told.length === 4);
    abort.abort();
    await running;
    expect(told).toEqual([
      ...EVERYTHING,
      'announce instance-1',
      'announce instance-1',
      'withdraw instance-1 a',
    ]);
    expect(announcer.ok).toBe(true);
  });

  it('tells everything again after Redis was away, and warns once meanwhile', async () => {
    const { announcer, told, state, lines } = noting();
    await announcer.announce();
    state.away = true;
    for (let count = 0; count < 3; count += 1) await announcer.announce();
    expect(announcer.ok).toBe(false);
    expect(lines.filter((line) => line['level'] === 'warn')).toHaveLength(1);
    state.away = false;
    told.length = 0;
    await announcer.announce();
    expect(told).toEqual(EVERYTHING);
    expect(announcer.ok).toBe(true);
  });

  it('tells everything again, once, when Redis was emptied without having been away', async () => {
    const { announcer, told, state } = noting();
    await announcer.announce();
    told.length = 0;
    state.emptied = true;
    await announcer.announce();
    state.emptied = false;
    await announcer.announce();
    expect(told).toEqual([...EVERYTHING, 'announce instance-1']);
  });

  it('notices by a change that could not be told that Redis is away', async () => {
    const { announcer, told, state } = noting();
    await announcer.announce();
    state.away = true;
    announcer.sessionGone('7/other', '7', 'other');
    await eventually(() => !announcer.ok);
    state.away = false;
    told.length = 0;
    announcer.sessionGone('7/main', '7', 'main');
    await announcer.announce();
    expect(told).toEqual(EVERYTHING);
  });

  it('leaves what Redis knows of its sessions until it knows all of them itself', async () => {
    const { announcer, told, state } = noting();
    state.reading = true;
    await announcer.announce();
    expect(told).toEqual(['announce instance-1']);
    expect(announcer.ok).toBe(true);
    state.reading = false;
    await announcer.announce();
    expect(told).toEqual(['announce instance-1', ...EVERYTHING]);
  });

  it('gathers the changes of a session, and tells the last', async () => {
    const { announcer, told } = noting();
    await announcer.announce();
    told.length = 0;
    const session = fakeSession('7', 'main', 'instance-1');
    for (const status of ['starting', 'authenticated', 'ready'] as const) {
      session.status = status;
      announcer.session('7/main', () => session);
    }
    announcer.session('7/other', () => fakeSession('7', 'other', 'instance-1'));
    await eventually(() => told.length === 2);
    expect(told).toEqual(['session main ready', 'session other starting']);
  });

  it('does not tell of a session that has gone since', async () => {
    const { announcer, told } = noting();
    await announcer.announce();
    told.length = 0;
    announcer.session('7/main', () => fakeSession('7', 'main', 'instance-1'));
    announcer.sessionGone('7/main', '7', 'main');
    announcer.session('7/other', () => fakeSession('7', 'other', 'instance-1'));
    await eventually(() => told.includes('session other starting'));
    expect(told).toEqual(['gone 7/main', 'session other starting']);
  });
});
