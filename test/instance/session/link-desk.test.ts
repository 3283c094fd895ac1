import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { SessionStatus } from '../../../fleet/records.ts';
import { LinkDesk } from '../../../instance/session/link-desk.ts';

const never = new AbortController().signal;

describe('the link desk', () => {
  let status: SessionStatus;
  let desk: LinkDesk;
  const next = (wait: number, signal = never) => desk.next(wait, signal, () => status);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    status = 'starting';
    desk = new LinkDesk(systemClock);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives the code that is shown, with a minute for the first and twenty seconds for each that follows', async () => {
    const now = Date.now();
    desk.show('one');
    expect(await next(0)).toEqual({ code: 'one', expiresAt: now + 60_000 });
    desk.show('one');
    expect((await next(0)).expiresAt).toBe(now + 60_000);
    desk.show('two');
    expect(await next(0)).toEqual({ code: 'two', expiresAt: now + 20_000 });
    desk.clear();
    desk.show('three');
    expect((await next(0)).expiresAt).toBe(now + 60_000);
  });

  it('waits while the session is on its way, and gives the code to all who wait', async () => {
    const waiting = [next(20_000), next(20_000)];
    status = 'disconnected';
    desk.changed();
    status = 'qr';
    desk.show('code');
    expect((await Promise.all(waiting)).map((qr) => qr.code)).toEqual(['code', 'code']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says after the wait that there is none yet, and how to ask', async () => {
    const refused = expect(next(5000)).rejects.toMatchObject({
      code: 'not_awaiting_qr',
      message: expect.stringContaining('?wait=20'),
      extra: { session_status: 'starting' },
    });
    await vi.advanceTimersByTimeAsync(5000);
    await refused;
  });

  it('stops waiting when the caller goes away', async () => {
    const abort = new AbortController();
    const refused = expect(next(20_000, abort.signal)).rejects.toMatchObject({ code: 'not_awaiting_qr' });
    abort.abort(new Error('gone'));
    await refused;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stops waiting when the session comes to be ready without a code', async () => {
    const refused = expect(next(20_000)).rejects.toMatchObject({
      message: expect.stringContaining('linked already'),
    });
    status = 'ready';
    desk.changed();
    await refused;
  });

  it.each(['stopped', 'failed', 'logged_out', 'parked'] as const)(
    'does not wait for one that is %s',
    async (at) => {
      status = at;
      await expect(next(20_000)).rejects.toMatchObject({
        code: 'not_awaiting_qr',
        message: expect.stringContaining('start it first'),
      });
    },
  );
});
