import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from './finding.ts';

const SUBJECT = 'fsync latency';
const ROUNDS = 30;
/** Milliseconds: above the first, browsers and claims feel it; above the second, sessions lose what they wrote last when killed. */
const SLOW = 50;
const TOO_SLOW = 1000;

/** How long 4 kB take to be durable. @param trial a directory to work in */
export async function checkLatency(trial: string): Promise<Finding> {
  const file = await open(join(trial, 'latency'), 'w');
  const times: number[] = [];
  try {
    const block = Buffer.alloc(4096, 1);
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = performance.now();
      await file.write(block);
      await file.sync();
      times.push(performance.now() - before);
    }
  } finally {
    await file.close();
  }
  return judgeLatency(times);
}

/** @param times milliseconds of each round, at least one */
export function judgeLatency(times: readonly number[]): Finding {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const worst = sorted.at(-1) ?? 0;
  const detail = `median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms of ${times.length}`;
  const hint = 'Use a faster file system, or give this one more throughput.';
  if (median > TOO_SLOW) return { subject: SUBJECT, status: 'failed', detail, hint };
  if (median > SLOW) return { subject: SUBJECT, status: 'warning', detail, hint };
  return { subject: SUBJECT, status: 'ok', detail };
}
