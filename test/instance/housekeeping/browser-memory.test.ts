import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { quantile, ToldMemory } from '../../../instance/housekeeping/browser-memory.ts';
import { HousekeepingMetrics } from '../../../instance/housekeeping/housekeeping-metrics.ts';
import type { Session } from '../../../instance/session/session.ts';

const MB = 1024 ** 2;

describe('the memory of sessions', () => {
  it('is shown by what shares of them do not exceed', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect([0.5, 0.9, 0.99, 1].map((share) => quantile(values, share))).toEqual([100, 180, 198, 200]);
    expect(quantile([7], 0.5)).toBe(7);
    expect(quantile([], 1)).toBe(0);
  });

  it('is told again only where it changed by much', () => {
    const told = new ToldMemory();
    const session = {} as Session;
    expect(told.isNews(session, 200 * MB)).toBe(true);
    expect(told.isNews(session, 220 * MB)).toBe(false);
    expect(told.isNews(session, 240 * MB)).toBe(true);
    expect(told.isNews(session, 210 * MB)).toBe(false);
    expect(told.isNews(session, 100 * MB)).toBe(true);
    expect(told.isNews({} as Session, 100 * MB)).toBe(true);
  });

  it('has as many series of metrics whether there is one session or a thousand', async () => {
    const memory: number[] = [];
    const registry = new Registry();
    const metrics = new HousekeepingMetrics(registry, {
      memory: () => memory,
      limit: 500 * MB,
      restarts: () => ({ due: 2, isHeld: true }),
      inactive: (step) => (step === 'warn' ? 3 : 1),
    });
    metrics.restarted('age', 'ready', 2500);
    metrics.restarted('memory', 'failed', 1);
    metrics.stepped('warn');
    metrics.removed('draft');
    memory.push(100 * MB);
    const one = (await registry.metrics()).split('\n').length;
    for (let index = 0; index < 1000; index += 1) memory.push(index * MB);
    const text = await registry.metrics();
    expect(text.split('\n')).toHaveLength(one);
    for (const line of [
      'wharf_instance_soft_restarts_total{reason="age",outcome="ready"} 1',
      'wharf_instance_soft_restarts_total{reason="memory",outcome="failed"} 1',
      'wharf_instance_soft_restart_seconds_sum 2.5',
      'wharf_instance_soft_restarts_due 2',
      'wharf_instance_soft_restarts_held 1',
      `wharf_instance_session_memory_bytes{share="1"} ${999 * MB}`,
      'wharf_instance_sessions_over_memory_limit 499',
      'wharf_instance_inactive_sessions{step="warn"} 3',
      'wharf_instance_inactivity_steps_total{step="warn"} 1',
      'wharf_instance_leftovers_removed_total{kind="draft"} 1',
    ])
      expect(text).toContain(line);
  });
});
