import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Three projects: `unit` (quick, though it may use Redis or a browser), `integration` (whole processes together) and `chaos` (faults, on
 * hosts made of namespaces: skipped where there can be none).
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // Tests wait a good deal, for browsers and processes to start: two files at a time also on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    retry: 0,
    sequence: { shuffle: false, concurrent: false },
    // A machine under load is slow, and no test may fail of that: tests wait for conditions, and this only ends those that hang.
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: ['test/integration/**', 'test/chaos/**'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
