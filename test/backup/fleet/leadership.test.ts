import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Leadership } from '../../../backup/fleet/leadership.ts';
import { createLogger } from '../../../common/logger.ts';
import type { BackupLease } from '../../../fleet/backup/backup-lease.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { aServiceNote, MemoryBackupLease } from '../../helpers/memory-backup-lease.ts';

const log = createLogger('silent', {}, process.stderr);

describe('Leadership', () => {
  let clock: DrivenClock;
  let lease: MemoryBackupLease;
  const stops: AbortController[] = [];
  beforeEach(() => {
    clock = new DrivenClock();
    lease = new MemoryBackupLease(clock);
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop.abort(new Error('the test is over'));
    await clock.pass(1);
  });

  /** A service that runs. */
  async function aService(name: string, seen: BackupLease = lease) {
    const stop = new AbortController();
    stops.push(stop);
    const leadership = new Leadership({ lease: seen, me: aServiceNote(name), clock, log });
    const terms: AbortSignal[] = [];
    leadership.onTerm((term) => terms.push(term));
    const running = leadership.run(stop.signal);
    await clock.pass(1);
    return { leadership, terms, stop: () => stop.abort(new Error('stopped')), running };
  }

  it('lets one of two lead, and the other say who does', async () => {
    const one = await aService('one');
    const other = await aService('other');
    await clock.pass(60_000);
    expect([one.leadership.leads, other.leadership.leads]).toEqual([true, false]);
    expect(one.terms).toHaveLength(1);
    expect(other.terms).toHaveLength(0);
    expect(() => other.leadership.term()).toThrow(
      expect.objectContaining({
        code: 'backup_unavailable',
        message: expect.stringContaining('http://one:3100'),
      }),
    );
  });

  it('hands over at once where it stops', async () => {
    const one = await aService('one');
    const other = await aService('other');
    one.stop();
    await one.running;
    expect(one.terms[0]?.aborted).toBe(true);
    await one.leadership.release();
    await clock.pass(2001);
    expect(other.leadership.leads).toBe(true);
    await expect(one.leadership.confirm(one.terms[0] as AbortSignal)).rejects.toThrow();
    expect(one.leadership.leads).toBe(false);
    expect(other.leadership.leads).toBe(true);
  });

  it('ends its term before the lease lapses where Redis does not answer, and begins another when it is back', async () => {
    const one = await aService('one');
    await clock.pass(10_000);
    lease.away = true;
    await clock.pass(5999);
    expect(one.leadership.leads).toBe(true);
    await clock.pass(2100);
    expect(one.leadership.leads).toBe(false);
    expect(one.terms[0]?.reason).toMatchObject({
      code: 'backup_unavailable',
      message: 'The lease could not be renewed in time.',
    });
    lease.away = false;
    await clock.pass(2100);
    expect(one.terms).toHaveLength(2);
    expect(one.leadership.term()).toBe(one.terms[1]);
  });

  it('ends a term that had a pause in it, though nobody else led meanwhile', async () => {
    // As after SIGSTOP: the answer to a question asked before the pause comes after it.
    let hang: (() => void) | undefined;
    let hangs = false;
    const one = await aService('one', {
      hold: async (me, ttl) => {
        const held = await lease.hold(me, ttl);
        if (hangs) await new Promise<void>((resolve) => (hang = resolve));
        return held;
      },
      release: (service) => lease.release(service),
      holder: () => lease.holder(),
    });
    hangs = true;
    await clock.pass(2001);
    hangs = false;
    await clock.pass(30_000);
    expect(one.leadership.leads, 'no proof for 30 seconds').toBe(false);
    hang?.();
    await clock.pass(1);
    expect(one.terms[0]?.aborted).toBe(true);
    expect(one.leadership.leads, 'the answer is of before the pause').toBe(false);
    await clock.pass(2001);
    expect(one.terms).toHaveLength(2);
  });

  it('takes over within 12 seconds of the other falling silent, and never beside it', async () => {
    let silent = false;
    const one = await aService('one', {
      hold: (me, ttl) => (silent ? new Promise(() => {}) : lease.hold(me, ttl)),
      release: async () => {},
      holder: () => lease.holder(),
    });
    const other = await aService('other');
    await clock.pass(5000);
    silent = true;
    let waited = 0;
    while (!other.leadership.leads) {
      await clock.pass(100);
      waited += 100;
      expect(one.leadership.leads && other.leadership.leads).toBe(false);
    }
    expect(waited).toBeLessThanOrEqual(12_000);
    expect(() => one.leadership.term()).toThrow();
  });

  it('confirms only the term that was begun with', async () => {
    const one = await aService('one');
    const [term] = one.terms as [AbortSignal];
    await one.leadership.confirm(term);
    lease.away = true;
    await expect(one.leadership.confirm(term)).rejects.toMatchObject({ code: 'redis_unavailable' });
    await clock.pass(10_000);
    lease.away = false;
    await clock.pass(4000);
    expect(one.terms).toHaveLength(2);
    await expect(one.leadership.confirm(term)).rejects.toMatchObject({ code: 'backup_unavailable' });
    await one.leadership.confirm(one.terms[1] as AbortSignal);
  });
});
