import { readFileSync } from 'node:fs';
import { Redis, type RedisOptions } from 'ioredis';
import { z } from 'zod';
import { messageOf, systemCode, WharfError } from './errors.ts';
import type { Logger } from './logger.ts';

export type { ChainableCommander, Redis } from 'ioredis';

/** How Redis is reached; made by {@link parseRedisUrl}. */
export interface RedisAddress {
  options: RedisOptions;
  /** For logs and errors, without credentials. */
  shown: string;
}

/**
 * Reads a Redis URL.
 *
 * - `redis://[user:password@]host[:6379][/db]`, `rediss://...` with TLS; `?ca=FILE` names the authority's certificate
 * - `redis+sentinel://[user:password@]host:26379,host:26379/NAME[/db]`: the master called NAME, asked of the sentinels; `rediss+sentinel://` speaks TLS to it
 *
 * @throws Error that says what is wrong with the URL, without any part of it: what looks like a host may be half a password
 */
export function parseRedisUrl(url: string): RedisAddress {
  const match = /^(rediss?)(\+sentinel)?:\/\/(?:([^?]*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url);
  if (!match)
    throw new Error(
      'must look like redis://host:6379, rediss://... or redis+sentinel://host:26379,host:26379/NAME',
    );
  const [, scheme, sentinel, credentials, hosts = '', path = '', query] = match;
  const options: RedisOptions = {};
  if (credentials) {
    const [user = '', ...password] = credentials.split(':');
    if (user) options.username = decoded(user);
    if (password.length > 0) options.password = decoded(password.join(':'));
  }
  if (scheme === 'rediss') {
    const ca = new URLSearchParams(query).get('ca');
    options.tls = ca ? { ca: readAuthority(ca) } : {};
  }
  const parts = path.split('/').filter((part) => part !== '');
  if (sentinel) {
    const [name, database] = parts;
    if (!name) throw new Error('must name the master after the sentinels: redis+sentinel://host:26379/NAME');
    options.name = name;
    options.sentinels = hosts.split(',').map((host) => hostAndPort(host, 26379));
    if (database !== undefined) options.db = databaseNumber(database);
  } else {
    const { host, port } = hostAndPort(hosts, 6379);
    options.host = host;
    options.port = port;
    if (parts[0] !== undefined) options.db = databaseNumber(parts[0]);
  }
  return { options, shown: `${scheme}${sentinel ?? ''}://${hosts}${path === '' ? '' : `/${path}`}` };
}

/** `REDIS_URL` and the like, as a variable of a configuration. */
export const redisVariable = z.string().transform((url, context): RedisAddress => {
  try {
    return parseRedisUrl(url);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
    return z.NEVER;
  }
});

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('has a user or password that is not percent-encoded: write % as %25');
  }
}

function readAuthority(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`names a certificate that cannot be read, ${path} (${systemCode(error)})`);
  }
}

function hostAndPort(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] ? Number(match[2]) : defaultPort;
  if (!match?.[1] || port < 1 || port > 65535) {
    throw new Error(
      'has no host and port where one is needed; in a password the characters / ? @ % are written percent-encoded',
    );
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

function databaseNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new Error('names a database that is no number');
  return Number(text);
}

/**
 * Opens a connection without waiting for it: until Redis answers, and whenever it does not, commands fail fast rather than pile
 * up, since a caller must know that Redis is away.
 */
export function openRedis(address: RedisAddress, log: Logger): Redis {
  const { redis } = open(address, log);
  redis.connect().catch(() => {});
  return redis;
}

/**
 * Opens a connection and waits until Redis answers. Later losses of the connection are healed by ioredis; commands meanwhile fail fast
 * rather than pile up, since a caller must know that Redis is away.
 *
 * @throws WharfError `redis_unavailable` when it does not answer within `patience` milliseconds
 */
export async function connectRedis(address: RedisAddress, log: Logger, patience = 10_000): Promise<Redis> {
  const { redis, note, reason } = open(address, log);
  const end = performance.now() + patience;
  redis.connect().catch(note);
  for (;;) {
    try {
      if (redis.status === 'ready') {
        await redis.ping();
        return redis;
      }
    } catch (error) {
      note(error);
    }
    if (performance.now() > end) {
      redis.disconnect();
      throw new WharfError(
        'redis_unavailable',
        `Redis at ${address.shown} does not answer (${reason()}). Start it, or set REDIS_URL to where it is. Wharf does not run without it: two processes might run one session.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A sentinel that hangs must not keep the others from being asked; and a master that became a replica is left, whatever its connection does. */
const WITH_SENTINELS: Partial<RedisOptions> = {
  sentinelCommandTimeout: 2000,
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
};

/** A connection that is not begun; what went wrong is noted, and logged once per loss. */
function open(address: RedisAddress, log: Logger) {
  const options: Omit<RedisOptions, 'replyMapping'> = {
    ...address.options,
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    // What was asked before a loss is not asked again after it: by then it may be long out of date, and its caller has given up.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    connectTimeout: 3000,
    commandTimeout: 3000,
    // A host that is gone closes no connection: one over which nothing comes, though something was asked, is made anew.
    socketTimeout: 5000,
    ...(address.options.sentinels === undefined ? {} : WITH_SENTINELS),
    retryStrategy: (tries) => Math.min(100 * 2 ** Math.min(tries, 5), 2000),
  };
  const redis = new Redis(options);
  let lastError = 'no answer';
  let down = false;
  const note = (error: unknown) => {
    const reason = messageOf(error) || String(error);
    // What ioredis says last is that the connection is closed; why it is was said before.
    if (!/^Connection is closed/.test(reason) || lastError === 'no answer') lastError = reason;
  };
  redis.on('error', (error: Error) => {
    note(error);
    if (!down && redis.status !== 'connecting')
      log.warn({ redis: address.shown, reason: lastError }, 'Redis cannot be reached');
    down = true;
  });
  redis.on('ready', () => {
    if (down) log.info({ redis: address.shown }, 'Redis is back');
    down = false;
  });
  return { redis, note, reason: () => lastError };
}
