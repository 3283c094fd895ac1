import { Queue } from 'bullmq';
import { readEnv } from '../../../common/env.ts';
import { parseRedisUrl } from '../../../common/redis.ts';

/**
 * BullMQ by itself, in a process of its own: as many calls of `addBulk` under way as the environment says, for so many seconds. Then it prints what it did.
 *
 * Environment: `REDIS_URL`, `SECONDS`, `AT_ONCE`, `JOBS` (in one call), `DATA` (JSON, of every job).
 */
const env = readEnv();
const { options } = parseRedisUrl(String(env['REDIS_URL']));
const queue = new Queue('raw', {
  connection: { host: String(options.host), port: Number(options.port), db: Number(options.db) },
});
await queue.waitUntilReady();
const jobs = Array.from({ length: Number(env['JOBS']) }, () => ({
  name: 'message',
  data: JSON.parse(String(env['DATA'])) as unknown,
}));
const began = performance.now();
const end = began + Number(env['SECONDS']) * 1000;
let added = 0;
await Promise.all(
  Array.from({ length: Number(env['AT_ONCE']) }, async () => {
    while (performance.now() < end) {
      await queue.addBulk(jobs);
      added += jobs.length;
    }
  }),
);
const seconds = (performance.now() - began) / 1000;
const counted = await queue.getWaitingCount();
process.stdout.write(`${JSON.stringify({ added, counted, seconds })}\n`);
await queue.close();
