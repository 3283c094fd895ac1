import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import type { Lease, LeaseHolder, RouterNote } from '../../../fleet/coordination.ts';
import { type FleetView, judgeFleet, waitToJoin } from '../../../instance/supervisor/start-checks.ts';
import { leaseHolder, routerNote } from '../../helpers/fleet-values.ts';

const me = { instance: 'instance-1', host: { name: 'a', boot: 'boot-a/1' }, sessionPath: '/sessions' };
const other: LeaseHolder = {
  ...leaseHolder('instance-2', 'x'),
  host: { name: 'b', boot: 'boot-b/1' },
  pid: 4711,
  started_at: '2026-11-22T03:00:00.000Z',
};

describe('joining a fleet', () => {
  const view = (changes: Partial<FleetView> = {}): FleetView => ({
    holders: [other],
    routers: [routerNote('r1')],
    beacons: new Map([['instance-2', other.beacon]]),
    dead: new Set(),
    ...changes,
  });
  const reasonsOf = (changes: Partial<FleetView>) => {
    const verdict = judgeFleet(me, view(changes));
    return verdict.kind === 'refuse' ? verdict.reasons : verdict.replaces;
  };

  it('is allowed where all is well', () => {
    expect(judgeFleet(me, view())).toEqual({ kind: 'join', replaces: [] });
  });

  it('is refused while another has its id, and says who', () => {
    const twin = { ...other, instance: 'instance-1' };
    expect(reasonsOf({ holders: [twin] })).toEqual([
      'INSTANCE_ID instance-1 is held by instance-1 on host b (supervisor 4711, since 2026-11-22T03:00:00.000Z). Stop that one first, or give this one another INSTANCE_ID.',
    ]);
  });

  it('replaces itself where its own supervisor on this host has ended', () => {
    const before = { ...other, instance: 'instance-1', incarnation: 'before', host: me.host, protocol: 7 };
    expect(judgeFleet(me, view({ holders: [before], dead: new Set([before]) }))).toEqual({
      kind: 'join',
      replaces: ['before'],
    });
  });

  it('is refused beside instances or routers of another protocol', () => {
    const reasons = reasonsOf({
      holders: [
        { ...other, protocol: 2 },
        { ...leaseHolder('instance-3', 'y'), protocol: 0, pid: 0, beacon: '' },
      ],
      routers: [routerNote('r1', { protocol: 9 })],
    });
    expect(reasons.map((reason) => reason.split(/, this one 1/)[0])).toEqual([
      'instance-2 on host b (supervisor 4711, since 2026-11-22T03:00:00.000Z) speaks protocol 2',
      'instance-3 (of another version) speaks a protocol that cannot be read',
      expect.stringMatching(/^router r1 on host .* speaks protocol 9$/),
    ]);
  });

  it('is refused on a host whose name another has too, but not in another container of the same host', () => {
    const twin = { ...other, host: { name: 'a', boot: 'boot-b/1' } };
    expect(reasonsOf({ holders: [twin] })).toEqual([
      expect.stringMatching(/^instance-2 runs on another host of the same name, a\. Give each host a name/),
    ]);
    const neighbour = { ...other, host: { name: 'a', boot: 'boot-a/2' } };
    expect(reasonsOf({ holders: [neighbour] })).toEqual([]);
  });

  it('is refused where the session path does not show what the others wrote', () => {
    for (const beacon of [null, 'of another time']) {
      expect(reasonsOf({ beacons: new Map([['instance-2', beacon]]) })).toEqual([
        expect.stringMatching(
          /^\/sessions does not show what instance-2 on host b .* wrote to its session path\. Mount/,
        ),
      ]);
    }
  });

  it('does not ask for the beacons of those that have ended', () => {
    const dead = { ...other, host: me.host };
    expect(reasonsOf({ holders: [dead], dead: new Set([dead]), beacons: new Map() })).toEqual([]);
  });
});

describe('waiting to join a fleet', () => {
  const parts = (looks: Lease[][], started: string | null = null) => {
    const state = { time: 0, looks: 0 };
    return {
      state,
      parts: {
        me,
        coordination: {
          leases: async () => {
            const leases = looks[Math.min(state.looks, looks.length - 1)] ?? [];
            state.looks += 1;
            return { identity: { era: 'e', server: 's' }, leases };
          },
          routers: async (): Promise<RouterNote[]> => [],
        },
        readBeacon: async () => 'shines',
        processStart: async () => started,
        clock: {
          now: () => state.time,
          monotonic: () => state.time,
          sleep: async (milliseconds: number) => {
            state.time += milliseconds;
          },
        },
        patience: 12_000,
        log: createLogger('silent', {}),
      },
    };
  };
  const lease = (changes: Partial<LeaseHolder>, state: Lease['state'] = 'running'): Lease => ({
    holder: { ...other, ...changes },
    state,
    remaining: 5000,
  });
  const never = new AbortController().signal;

  it('waits until an old lease has lapsed', async () => {
    const twin = lease({ instance: 'instance-1' });
    const { parts: given, state } = parts([[twin], [twin], [twin], []]);
    expect(await waitToJoin(given, never)).toEqual([]);
    expect(state.looks).toBe(4);
  });

  it('refuses when it is still held after a lease time', async () => {
    const { parts: given, state } = parts([[lease({ instance: 'instance-1' })]]);
    await expect(waitToJoin(given, never)).rejects.toThrow(
      /^instance-1 does not start:\n {2}INSTANCE_ID instance-1 is held by instance-1 on host b/,
    );
    expect(state.time).toBe(12_000);
  });

  it('takes over at once from its own supervisor that has ended, by pid and start', async () => {
    const before = lease({ instance: 'instance-1', incarnation: 'before', host: me.host, pid_start: '17' });
    // Another process has its pid now.
    const { parts: given, state } = parts([[before]], '18');
    expect(await waitToJoin(given, never)).toEqual(['before']);
    expect(state.looks).toBe(1);
    await expect(waitToJoin(parts([[before]], '17').parts, never)).rejects.toThrow(/is held by/);
  });

  it('minds nobody that stopped cleanly', async () => {
    const { parts: given } = parts([[lease({ instance: 'instance-1' }, 'restarting')]]);
    expect(await waitToJoin(given, never)).toEqual([]);
  });

  it('ends when it is told to stop', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(waitToJoin(parts([[lease({})]]).parts, stop.signal)).rejects.toThrow('stopped');
  });
});
