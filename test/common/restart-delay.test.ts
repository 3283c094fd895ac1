import { describe, expect, it } from 'vitest';
import { type RestartHistory, restartDelay } from '../../common/restart-delay.ts';

/** The delays after lives of so many milliseconds each. */
function delaysAfter(lives: number[]): number[] {
  let history: RestartHistory = { failures: 0 };
  return lives.map((life) => {
    const next = restartDelay(history, life);
    history = next.history;
    return next.delay;
  });
}

describe('the delay before a restart', () => {
  it('doubles from half a second to 30 s while the process keeps ending soon', () => {
    expect(delaysAfter([10, 10, 10, 10, 10, 10, 10, 10])).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  it('begins anew once the process has run for half a minute', () => {
    expect(delaysAfter([10, 10, 30_000, 10])).toEqual([500, 1000, 500, 1000]);
  });
});
