import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { isSchedule, scheduleRebalance } from '../../../router/failover/rebalance-schedule.ts';
import { eventually } from '../../helpers/eventually.ts';

const EVERY_SECOND = '* * * * * *';
const log = createLogger('silent', {}, process.stderr);

describe('a scheduled rebalance', () => {
  it('is begun by the router that leads, again and again, also after one that failed', async () => {
    let begun = 0;
    const operations = {
      rebalance: async () => {
        begun += 1;
        if (begun === 1) throw new Error('Redis is away');
        return { moves: [] };
      },
    };
    const stop = scheduleRebalance(EVERY_SECOND, { operations, leads: () => true, log });
    try {
      await eventually(() => begun >= 2);
    } finally {
      await stop();
    }
  });

  it('is left to the leader by all others', async () => {
    let asked = 0;
    const leads = () => {
      asked += 1;
      return false;
    };
    const operations = { rebalance: () => Promise.reject(new Error('must not be asked')) };
    const stop = scheduleRebalance(EVERY_SECOND, { operations, leads, log });
    try {
      await eventually(() => asked >= 2);
    } finally {
      await stop();
    }
  });

  it('is written as cron writes it', () => {
    expect(['0 4 * * *', '*/5 * * * *', EVERY_SECOND].map(isSchedule)).toEqual([true, true, true]);
    expect(['', 'at four', '61 * * * *', '* * *'].map(isSchedule)).toEqual([false, false, false, false]);
  });
});
