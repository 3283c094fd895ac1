import { messageOf } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { QueueDurability } from '../../fleet/messaging-config.ts';
import { durabilityFaults, type RedisFacts, readRedisFacts } from '../../fleet/queue/durability.ts';
import type { Finding } from './finding.ts';

/** The oldest Redis that has every command Wharf uses. */
const LEAST: readonly [number, number] = [7, 0];
/** Milliseconds to wait for the first answer. */
const PATIENCE = 5000;
/** Milliseconds of a round trip above which leases and queues feel it. */
const SLOW = 20;
/** How many round trips are timed. */
const LOOKS = 3;

const QUEUES = 'Queue Redis';

/** Whether the Redis of ownership is there, new enough, and keeps what it is told; where the queues have none of their own, also what they need. */
export async function checkRedis(
  url: string | undefined,
  queues?: { production: boolean; durability?: QueueDurability },
): Promise<Finding[]> {
  if (!url) {
    return [
      { subject: 'Redis', status: 'skipped', detail: 'REDIS_URL is not set, and no local fleet runs here' },
    ];
  }
  return await look(url, 'Redis', (facts, milliseconds) => [
    ...judgeRedis(facts, milliseconds),
    ...(queues ? [judgeDurability(facts, queues.production, queues.durability)] : []),
  ]);
}

/** Whether a Redis of the queues' own is there, new enough, and loses nothing that it confirmed. */
export async function checkQueueRedis(
  url: string,
  production: boolean,
  durability?: QueueDurability,
): Promise<Finding[]> {
  return await look(url, QUEUES, (facts, milliseconds) => [
    judgeVersion(QUEUES, facts, milliseconds),
    judgeDurability(facts, production, durability),
  ]);
}

async function look(
  url: string,
  subject: string,
  judge: (facts: RedisFacts, milliseconds: number) => Finding[],
): Promise<Finding[]> {
  let redis: Redis;
  try {
    redis = await connectRedis(parseRedisUrl(url), createLogger('silent', {}), PATIENCE);
  } catch (error) {
    return [{ subject, status: 'failed', detail: messageOf(error) }];
  }
  try {
    const milliseconds = await roundTrip(redis);
    return judge(await readRedisFacts(redis), milliseconds);
  } catch (error) {
    return [{ subject, status: 'failed', detail: `does not answer as it should: ${messageOf(error)}` }];
  } finally {
    redis.disconnect();
  }
}

/** The best of some round trips, milliseconds: one slow moment of this machine says nothing of how far away Redis is. */
async function roundTrip(redis: Redis): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS; look += 1) {
    const before = performance.now();
    await redis.ping();
    best = Math.min(best, performance.now() - before);
  }
  return best;
}

/**
 * What the facts mean.
 *
 * @param milliseconds a round trip took
 */
export function judgeRedis(facts: RedisFacts, milliseconds: number): Finding[] {
  return [judgeVersion('Redis', facts, milliseconds), judgePersistence(facts), judgeEviction(facts)];
}

function judgeVersion(subject: string, facts: RedisFacts, milliseconds: number): Finding {
  const version = facts['redis_version'] ?? 'unknown';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const detail = `${version}, answers in ${milliseconds.toFixed(1)} ms`;
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    return { subject, status: 'failed', detail, hint: `Use Redis ${LEAST.join('.')} or newer.` };
  }
  if (milliseconds > SLOW) {
    return {
      subject,
      status: 'warning',
      detail,
      hint: 'It is far away or busy: put it on the same network as the instances.',
    };
  }
  return { subject, status: 'ok', detail };
}

function judgePersistence(facts: RedisFacts): Finding {
  const subject = 'Redis persistence';
  if (facts['aof_enabled'] !== '1') {
    return {
      subject,
      status: 'warning',
      detail:
        'no append-only file: Wharf finds everything again when Redis restarts, which takes some seconds',
      hint: 'Set "appendonly yes" in redis.conf. Sessions survive without it: their truth is on the shared storage.',
    };
  }
  if (facts['aof_last_write_status'] !== undefined && facts['aof_last_write_status'] !== 'ok') {
    return {
      subject,
      status: 'failed',
      detail: 'the append-only file cannot be written',
      hint: "Look at Redis's disk: is it full?",
    };
  }
  const sync = facts['appendfsync'] ?? 'fsync unknown (CONFIG is not allowed here)';
  if (sync === 'no') {
    return {
      subject,
      status: 'warning',
      detail: 'appendonly, but never synced',
      hint: 'Set "appendfsync always", or at least "everysec".',
    };
  }
  return { subject, status: 'ok', detail: `appendonly, appendfsync ${sync}` };
}

function judgeEviction(facts: RedisFacts): Finding {
  const policy = facts['maxmemory_policy'] ?? 'unknown';
  const subject = 'Redis eviction';
  if (policy === 'noeviction' || facts['maxmemory'] === '0') return { subject, status: 'ok', detail: policy };
  return {
    subject,
    status: 'failed',
    detail: `maxmemory-policy is ${policy}: under pressure Redis would throw away ownership and queues`,
    hint: 'Set "maxmemory-policy noeviction".',
  };
}

/** Whether messages that were accepted stay, as a start of a router or an instance judges it. */
export function judgeDurability(
  facts: RedisFacts,
  production: boolean,
  durability: QueueDurability = 'file',
): Finding {
  const subject = 'Queue durability';
  const faults = durabilityFaults(facts, durability);
  if (faults.length === 0) {
    return {
      subject,
      status: 'ok',
      detail:
        facts['aof_enabled'] === '0'
          ? 'no append-only file: each accepted message waits for a replica (QUEUE_DURABILITY=replicas), and none is evicted'
          : 'each message is on disk before it is accepted, and none is evicted',
    };
  }
  return {
    subject,
    status: production ? 'failed' : 'warning',
    detail: faults.map(({ setting, detail }) => `${setting}: ${detail}`).join('; '),
    hint: `In redis.conf: ${faults.map(({ hint }) => hint).join('; ')}.${production ? '' : ' With NODE_ENV=production routers and instances refuse to start without it.'}`,
  };
}
