import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import type { Announcement } from '../../fleet/records.ts';
import { Forgotten } from '../../router/registry/forgotten.ts';
import { compareSessions, decodeCursor, encodeCursor } from '../../router/registry/session-order.ts';
import { Table } from '../../router/registry/table.ts';
import { fakeSession } from '../helpers/fake-instance.ts';

const announcement = (instance: string, incarnation = 'one'): Announcement => ({
  protocol: 1,
  instance,
  incarnation,
  url: 'http://127.0.0.1:1',
  host: 'h',
  pid: 1,
  status: 'healthy',
  capacity: 5,
  sessions: 0,
  ready: 0,
  rss_mb: 0,
  browsers_pss_mb: 0,
  cpu: 0,
  chromium: '1',
  started_at: '2026-11-22T00:00:00.000Z',
  announced_at: '2026-11-22T00:00:00.000Z',
});

describe('the table', () => {
  it('believes the higher epoch of two instances, whichever comes first', () => {
    const old = fakeSession('7', 'main', 'instance-1', { epoch: 1 });
    const young = fakeSession('7', 'main', 'instance-2', { epoch: 2 });
    for (const order of [
      [old, young],
      [young, old],
    ]) {
      const table = new Table();
      for (const session of order) table.apply({ kind: 'session', instance: session.instance, session });
      expect(table.session('7', 'main')?.instance).toBe('instance-2');
      expect(table.owner('7')).toMatchObject({ instance: 'instance-2', epoch: 2, claimed: true });
    }
  });

  it('does not let an old owner remove the session of the new one', () => {
    const table = new Table();
    table.apply({
      kind: 'session',
      instance: 'instance-2',
      session: fakeSession('7', 'main', 'instance-2', { epoch: 2 }),
    });
    table.apply({ kind: 'session_gone', instance: 'instance-1', workspace_id: '7', session_id: 'main' });
    expect(table.session('7', 'main')).toBeDefined();
    table.apply({ kind: 'session_gone', instance: 'instance-2', workspace_id: '7', session_id: 'main' });
    expect(table.session('7', 'main')).toBeUndefined();
    expect(table.workspacesOf('main')).toEqual([]);
    expect(table.formerWorkspacesOf('main')).toEqual(['7']);
  });

  it('knows an owner as claimed once anything says so, and tells when it came', async () => {
    const clock = { now: () => 1_000_000, monotonic: () => 500, sleep: systemClock.sleep };
    const table = new Table(clock);
    let told = 0;
    const unwatch = table.watch('7', () => {
      told += 1;
    });
    const assigned = (epoch: number, instance: string, claimed: boolean, since = 999_000) =>
      table.learnOwner({ workspace_id: '7', epoch, instance, claimed, since });
    assigned(3, 'instance-1', true);
    expect(table.owner('7')).toEqual({ instance: 'instance-1', epoch: 3, claimed: true, since: -500 });
    // Heard as it happens: another host's clock does not matter.
    assigned(4, 'instance-2', false, 5_000_000);
    expect(table.owner('7')).toEqual({ instance: 'instance-2', epoch: 4, claimed: false, since: 500 });
    assigned(4, 'instance-2', true);
    assigned(4, 'instance-2', false);
    assigned(3, 'instance-1', true);
    expect(table.owner('7')).toEqual({ instance: 'instance-2', epoch: 4, claimed: true, since: 500 });
    expect(told).toBe(3);
    unwatch();
    assigned(5, 'instance-1', true);
    expect(told).toBe(3);
  });

  it('remembers a session that was let go of for a minute, and ten thousand of them', () => {
    let time = 0;
    const forgotten = new Forgotten({ ...systemClock, monotonic: () => time });
    forgotten.add('7', 'main');
    time = 30_000;
    forgotten.add('8', 'main');
    expect(forgotten.workspacesOf('main')).toEqual(['7', '8']);
    time = 60_000;
    expect(forgotten.workspacesOf('main')).toEqual(['8']);
    for (let each = 0; each < 10_000; each += 1) forgotten.add('9', `other-${each}`);
    expect(forgotten.workspacesOf('main')).toEqual([]);
    expect(forgotten.workspacesOf('other-0')).toEqual(['9']);
  });

  it('does not take the end of an earlier life of an instance for its end', () => {
    const table = new Table();
    table.apply({ kind: 'instance', announcement: announcement('instance-1', 'two') });
    table.apply({ kind: 'instance_gone', instance: 'instance-1', incarnation: 'one' });
    expect(table.instance('instance-1')).toBeDefined();
    table.apply({ kind: 'instance_gone', instance: 'instance-1', incarnation: 'two' });
    expect(table.instance('instance-1')).toBeUndefined();
  });

  it('forgets what a snapshot of a living instance does not name, and nothing because of an empty one', () => {
    const table = new Table();
    const session = fakeSession('7', 'main', 'instance-1');
    table.apply({ kind: 'session', instance: 'instance-1', session });
    table.load({ instances: [], assignments: [], sessions: [] });
    expect(table.session('7', 'main')).toBeDefined();
    expect(table.owner('7')?.instance).toBe('instance-1');
    table.load({ instances: [announcement('instance-1')], assignments: [], sessions: [] });
    expect(table.session('7', 'main')).toBeUndefined();
  });

  it('replaces the sessions of one instance and leaves those of others', () => {
    const table = new Table();
    const [one, two, other] = [
      fakeSession('1', 'a', 'instance-1'),
      fakeSession('1', 'b', 'instance-1'),
      fakeSession('2', 'a', 'instance-2'),
    ];
    for (const session of [one, two, other])
      table.apply({ kind: 'session', instance: session.instance, session });
    table.apply({ kind: 'sessions_replaced', instance: 'instance-1', sessions: [two] });
    expect([...table.sessions()].map((each) => `${each.workspace_id}/${each.session_id}`).sort()).toEqual([
      '1/b',
      '2/a',
    ]);
  });

  it('shows a session of a gone instance as disconnected, and one without a browser as it is', () => {
    const table = new Table();
    expect(table.shown(fakeSession('1', 'a', 'instance-1', { status: 'ready' })).status).toBe('disconnected');
    expect(table.shown(fakeSession('1', 'a', 'instance-1', { status: 'stopped' })).status).toBe('stopped');
    table.apply({ kind: 'instance', announcement: announcement('instance-1') });
    expect(table.shown(fakeSession('1', 'a', 'instance-1', { status: 'ready' })).status).toBe('ready');
  });
});

describe('the order of lists', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  const place = fc.record({ workspace: fc.oneof(fc.nat().map(String), id), session: id });

  it('is one order: total, and the same whatever the order of arrival', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 20 }), fc.nat(), (places, turn) => {
        const turned = [
          ...places.slice(turn % (places.length || 1)),
          ...places.slice(0, turn % (places.length || 1)),
        ];
        expect([...turned].sort(compareSessions)).toEqual([...places].sort(compareSessions));
      }),
    );
  });

  it('puts 9 before 10, and words after numbers', () => {
    const sorted = ['b', '10', '9', 'a']
      .map((workspace) => ({ workspace, session: 's' }))
      .sort(compareSessions);
    expect(sorted.map((each) => each.workspace)).toEqual(['9', '10', 'a', 'b']);
  });

  it('gives every place back from its cursor', () => {
    fc.assert(
      fc.property(place, (each) => {
        expect(decodeCursor(encodeCursor(each))).toEqual(each);
      }),
    );
  });

  it('refuses every cursor that it did not make, with a fault and not a crash', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeCursor(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' });
        }
      }),
    );
  });
});
