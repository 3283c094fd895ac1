import { describe, expect, it } from 'vitest';
import type { Lease } from '../../../fleet/coordination.ts';
import { VERDICT_TIMES } from '../../../router/failover/verdict.ts';
import { type Heard, Watch } from '../../../router/failover/watch.ts';
import { leaseHolder } from '../../helpers/fleet-values.ts';

const IDENTITY = { era: 'e', server: 's' };

function lease(instance: string, incarnation: string, state: Lease['state'] = 'running'): Lease {
  return { holder: leaseHolder(instance, incarnation), state, remaining: 9000 };
}

function heard(instance: string, changes: Partial<Heard> = {}): Map<string, Heard> {
  return new Map([
    [instance, { silences: [0], storageOk: true, idle: false, owns: true, starting: [], ...changes }],
  ]);
}

/** A watch that looks at given seconds. */
function watching() {
  const watch = new Watch({ ...VERDICT_TIMES, lease: 10_000 });
  const look = (second: number, leases: Lease[], sees: Map<string, Heard>, identity = IDENTITY) => {
    const changed = watch.saw({ identity, leases }, second * 1000);
    watch.judge(sees, second * 1000);
    const [standing] = watch.standings(second * 1000);
    return { changed, standing, verdict: standing?.verdict };
  };
  return { watch, look };
}

describe('what a router has seen', () => {
  it('lets it conclude nothing for a lease after its start, after another Redis, and after a gap', () => {
    const { watch, look } = watching();
    const silent = heard('a', { silences: [20_000] });
    expect(look(0, [], silent)).toMatchObject({ changed: true, verdict: 'unknown' });
    expect(look(9, [], silent).verdict).toBe('unknown');
    expect(look(10, [], silent)).toMatchObject({ changed: false, verdict: 'dead' });
    expect(look(11, [], silent, { era: 'e', server: 't' })).toMatchObject({
      changed: true,
      verdict: 'unknown',
    });
    expect(look(21, [], silent, { era: 'e', server: 't' }).verdict).toBe('dead');
    watch.gap(30_000);
    expect(look(31, [], silent, { era: 'e', server: 't' }).verdict).toBe('unknown');
    watch.redisAway();
    expect(look(50, [], silent, { era: 'e', server: 't' }).verdict).toBe('unknown');
  });

  it('counts a death once: by a lapsed lease, or by another incarnation, not by a clean restart', () => {
    const { look } = watching();
    look(0, [lease('a', '1')], heard('a'));
    look(11, [], heard('a', { silences: [11_000] }));
    expect(look(12, [], heard('a', { silences: [12_000] })).standing?.deaths).toBe(1);
    expect(look(20, [lease('a', '2')], heard('a')).standing?.deaths).toBe(1);
    expect(look(21, [lease('a', '3')], heard('a')).standing?.deaths).toBe(2);
    look(22, [lease('a', '3', 'restarting')], heard('a'));
    expect(look(23, [lease('a', '4')], heard('a')).standing?.deaths).toBe(2);
  });

  it('counts no death of an instance that was emptied before: somebody restarts it', () => {
    const { look } = watching();
    look(0, [lease('a', '1')], heard('a', { owns: false }));
    expect(look(10, [lease('a', '2')], heard('a')).standing).toMatchObject({ deaths: 0, leftAlone: 0 });
    expect(look(20, [lease('a', '3')], heard('a')).standing?.deaths).toBe(1);
  });

  it('leaves an instance alone for longer with each death, and for an hour at most', () => {
    const { look } = watching();
    look(0, [lease('a', '1')], heard('a'));
    expect(look(10, [lease('a', '2')], heard('a')).standing?.leftAlone).toBe(120_000);
    expect(look(70, [lease('a', '2')], heard('a')).standing?.leftAlone).toBe(60_000);
    expect(look(200, [lease('a', '3')], heard('a')).standing?.leftAlone).toBe(240_000);
    expect(look(3900, [lease('a', '3')], heard('a')).standing).toMatchObject({ deaths: 0, leftAlone: 0 });
  });

  it('blames a workspace that was starting when an instance died, twice, until it is forgiven', () => {
    const { watch, look } = watching();
    look(0, [lease('a', '1')], heard('a', { starting: ['7', '8'] }));
    look(30, [lease('a', '2')], heard('a'));
    expect(watch.blamed()).toEqual([]);
    look(60, [lease('a', '2')], heard('a', { starting: ['7'] }));
    look(90, [lease('a', '3')], heard('a', { starting: ['7'] }));
    expect(watch.blamed()).toEqual(['7']);
    watch.forgive('7');
    expect(watch.blamed()).toEqual([]);
  });

  it('is forgotten of an instance that owns nothing and holds no lease', () => {
    const { watch, look } = watching();
    look(0, [lease('a', '1')], heard('a'));
    look(20, [], new Map());
    expect(watch.standings(20_000)).toEqual([]);
  });
});
