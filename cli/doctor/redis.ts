import { messageOf } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Finding } from './finding.ts';

/** The oldest Redis that has every command Wharf uses. */
const LEAST: readonly [number, number] = [7, 0];
/** Milliseconds to wait for the first answer. */
const PATIENCE = 5000;
/** Milliseconds of a round trip above which leases and queues feel it. */
const SLOW = 20;

/** What a Redis says of itself, by the names it uses. */
export type RedisFacts = Readonly<Record<string, string>>;

/** Whether Redis is there, new enough, and keeps what it is told. */
export async function checkRedis(url: string | undefined): Promise<Finding[]> {
  if (!url) {
    return [
      { subject: 'Redis', status: 'skipped', detail: 'REDIS_URL is not set, and no local fleet runs here' },
    ];
  }
  let redis: Redis;
  try {
    redis = await connectRedis(parseRedisUrl(url), createLogger('silent', {}), PATIENCE);
  } catch (error) {
    return [{ subject: 'Redis', status: 'failed', detail: messageOf(error) }];
  }
  try {
    const before = performance.now();
    await redis.ping();
    const milliseconds = performance.now() - before;
    const facts = { ...readInfo(await redis.info()), ...(await readSettings(redis)) };
    return judgeRedis(facts, milliseconds);
  } catch (error) {
    return [
      { subject: 'Redis', status: 'failed', detail: `does not answer as it should: ${messageOf(error)}` },
    ];
  } finally {
    redis.disconnect();
  }
}

/** The fields of Redis's INFO. */
export function readInfo(text: string): RedisFacts {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

/** Managed servers refuse CONFIG; what INFO tells must do then. */
async function readSettings(redis: Redis): Promise<RedisFacts> {
  try {
    const answer: unknown = await redis.call('CONFIG', 'GET', 'appendfsync');
    return Array.isArray(answer) && typeof answer[1] === 'string' ? { appendfsync: answer[1] } : {};
  } catch {
    return {};
  }
}

/**
 * What the facts mean.
 *
 * @param milliseconds a round trip took
 */
export function judgeRedis(facts: RedisFacts, milliseconds: number): Finding[] {
  return [judgeVersion(facts, milliseconds), judgePersistence(facts), judgeEviction(facts)];
}

function judgeVersion(facts: RedisFacts, milliseconds: number): Finding {
  const version = facts['redis_version'] ?? 'unknown';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const detail = `${version}, answers in ${milliseconds.toFixed(1)} ms`;
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    return { subject: 'Redis', status: 'failed', detail, hint: `Use Redis ${LEAST.join('.')} or newer.` };
  }
  if (milliseconds > SLOW) {
    return {
      subject: 'Redis',
      status: 'warning',
      detail,
      hint: 'It is far away or busy: put it on the same network as the instances.',
    };
  }
  return { subject: 'Redis', status: 'ok', detail };
}

function judgePersistence(facts: RedisFacts): Finding {
  const subject = 'Redis persistence';
  if (facts['aof_enabled'] !== '1') {
    return {
      subject,
      status: 'warning',
      detail: 'no append-only file: what is queued is lost when Redis restarts',
      hint: 'Set "appendonly yes" and "appendfsync always" (at least "everysec") in redis.conf. Sessions survive without it: their truth is on the shared storage.',
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
