import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { keepDoing } from '../../instance/chores.ts';

const log = createLogger('silent', {});
const clock = { now: () => 0, monotonic: () => 0 };

describe('a chore', () => {
  it('leaves nothing behind of its runs, be there ever so many', async () => {
    const stop = new AbortController();
    const listening: number[] = [];
    let runs = 0;
    const sleep = async () => {
      listening.push(getEventListeners(stop.signal, 'abort').length);
      if (runs === 50) stop.abort();
    };
    const run = async () => {
      runs += 1;
      if (runs === 7) throw new Error('a run that fails');
    };
    await keepDoing({ every: 1, after: 1, run }, stop.signal, { ...clock, sleep }, log);
    expect(listening).toEqual(Array(51).fill(0));
  });

  it('is not waited for once all ends', async () => {
    const stop = new AbortController();
    const run = () => {
      setImmediate(() => stop.abort());
      return new Promise<void>(() => {});
    };
    await keepDoing({ every: 1, after: 1, run }, stop.signal, { ...clock, sleep: async () => {} }, log);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });
});
