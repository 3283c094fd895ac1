import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../common/clock.ts';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import type { QueueView } from '../../../fleet/queue/message-queues.ts';
import type { SessionStatus } from '../../../fleet/records.ts';
import { QueueWatch } from '../../../router/queues/queue-watch.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { queueView } from '../../helpers/queue-views.ts';

const MINUTE = 60_000;

let clock: DrivenClock;
/** Milliseconds by which the wall clock was set. */
let step: number;
let views: QueueView[];
let status: SessionStatus | undefined;
let away: boolean;
let asked: number;
/** Milliseconds an answer takes. */
let took: number;
let said: string[];
let watch: QueueWatch;

beforeEach(() => {
  clock = new DrivenClock();
  step = 0;
  const stepped: Clock = {
    now: () => clock.now() + step,
    monotonic: () => clock.monotonic(),
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, signal),
  };
  const old = new Date(clock.now() - 60 * MINUTE).toISOString();
  views = [queueView({ depth: 2, oldest_at: old })];
  status = 'ready';
  away = false;
  asked = 0;
  took = 0;
  said = [];
  const log = createLogger('info', {}, { write: (line) => said.push(JSON.parse(line).msg) });
  const queues = {
    views: async () => {
      asked += 1;
      if (took > 0) await clock.sleep(took);
      if (away) throw new WharfError('queue_unavailable', 'The queue is away.');
      return views;
    },
  };
  watch = new QueueWatch(queues, { status: () => status }, stepped, log);
});

const state = () => watch.last?.queues[0]?.state;

describe('the watch over the queues', () => {
  it('counts from its own start, and says of a stuck queue so once, and once that it goes again', async () => {
    watch.start();
    await clock.pass(4 * MINUTE);
    expect(state()).toBe('flowing');
    await clock.pass(2 * MINUTE);
    expect(state()).toBe('stuck');
    await clock.pass(2 * MINUTE);
    expect(said).toEqual([expect.stringContaining('a queue is stuck: nothing was sent for 5 min')]);
    views = [queueView({ ...views[0], sent: 1 })];
    await clock.pass(MINUTE);
    expect(state()).toBe('flowing');
    expect(said[1]).toBe('a queue is no longer stuck');
    await watch.stop();
  });

  it.each([60, -60])(
    'alarms neither sooner nor later where the clock is set by %i minutes',
    async (minutes) => {
      watch.start();
      await clock.pass(MINUTE);
      step = minutes * MINUTE;
      await clock.pass(3 * MINUTE);
      expect(state()).toBe('flowing');
      await clock.pass(2 * MINUTE);
      expect(state()).toBe('stuck');
      await watch.stop();
    },
  );

  it('counts anew from when a session is ready again', async () => {
    watch.start();
    await clock.pass(3 * MINUTE);
    status = 'disconnected';
    await clock.pass(MINUTE);
    expect(state()).toBe('waiting');
    status = 'ready';
    await clock.pass(4 * MINUTE);
    expect(state()).toBe('flowing');
    await clock.pass(2 * MINUTE);
    expect(state()).toBe('stuck');
    await watch.stop();
  });

  it('counts anew from each message that ends, from when a limit ends, and from when there is something', async () => {
    const passes = async (changes: Partial<QueueView>) => {
      views = [queueView({ ...views[0], ...changes })];
      await clock.pass(4 * MINUTE);
      expect(state()).not.toBe('stuck');
    };
    watch.start();
    await passes({});
    await passes({ failed: 1 });
    await passes({ unknown: 1 });
    await passes({ limited_until: new Date(clock.now()).toISOString() });
    await passes({ limited_until: null });
    await passes({ depth: 0 });
    await passes({ depth: 1 });
    await clock.pass(2 * MINUTE);
    expect(state()).toBe('stuck');
    await watch.stop();
  });

  it('knows how much of a workspace waits to be sent, what is for later left out', async () => {
    views = [
      queueView({ depth: 5, delayed: 2 }),
      queueView({ session: 'support', depth: 4 }),
      queueView({ workspace: '8', depth: 3, delayed: 3 }),
    ];
    await watch.now();
    expect(['7', '8', '9'].map((workspace) => watch.waitingIn(workspace))).toEqual([7, 0, 0]);
  });

  it('asks once for all who ask at one moment', async () => {
    const looks = await Promise.all([watch.now(), watch.now(), watch.now()]);
    await watch.now();
    expect(asked).toBe(1);
    expect(new Set(looks).size).toBe(1);
    await clock.pass(2000);
    await watch.now();
    expect(asked).toBe(2);
  });

  it('asks less often where a look takes long', async () => {
    took = 200;
    const first = watch.now();
    await clock.pass(200);
    await first;
    await clock.pass(5000);
    await watch.now();
    expect(asked).toBe(1);
    await clock.pass(2000);
    const second = watch.now();
    await clock.pass(200);
    await second;
    expect(asked).toBe(2);
  });

  it('throws while the queues cannot be read, keeps its last look, and goes on when they can', async () => {
    watch.start();
    await clock.pass(MINUTE);
    const last = watch.last;
    away = true;
    await clock.pass(MINUTE);
    expect(watch.answers).toBe(false);
    expect(watch.last).toBe(last);
    await expect(watch.now()).rejects.toMatchObject({ code: 'queue_unavailable' });
    away = false;
    await clock.pass(MINUTE);
    expect(watch.answers).toBe(true);
    await watch.stop();
  });
});
