import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';
import { integerVariable, loadConfig, logLevelVariable, portVariable } from '../common/config.ts';
import type { Env } from '../common/env.ts';
import { parseRedisUrl, type RedisAddress, redisVariable } from '../common/redis.ts';
import type { BackoffRules } from './session/backoff.ts';
import { SLOW_RETRY } from './session/backoff.ts';
import type { LifeTimeouts } from './session/session-life.ts';
import type { ClientTimeouts } from './whatsapp/client.ts';

const minutes = (count: number) => count * 60_000;

const variables = z.object({
  INSTANCE_ID: z
    .string('must be set, for example to instance-1')
    .regex(/^instance-[1-9]\d{0,3}$/, 'must look like instance-1'),
  PORT: portVariable.default(3001),
  BIND_ADDRESS: z.string().min(1).default('127.0.0.1'),
  ANNOUNCE_URL: z.url({ protocol: /^https?$/, error: 'must be an http address' }).optional(),
  WHATSAPP_SESSION_PATH: z.string().startsWith('/', 'must be an absolute path').default('/mnt/efs/sessions'),
  WHATSAPP_INSTANCE_COUNT: integerVariable(1, 1000).default(4),
  WHATSAPP_MAX_SESSIONS_PER_INSTANCE: integerVariable(1, 5000).optional(),
  MAX_SESSIONS_PER_INSTANCE: integerVariable(1, 5000).optional(),
  WHATSAPP_HEALTH_CHECK_INTERVAL: integerVariable(1000, minutes(60)).default(30_000),
  WHATSAPP_MAX_RECONNECT_ATTEMPTS: integerVariable(1, 1000).default(10),
  WHATSAPP_RECONNECT_BASE_DELAY: integerVariable(100, minutes(15)).default(5000),
  WHATSAPP_START_CONCURRENCY: integerVariable(1, 100).optional(),
  WHATSAPP_QR_TIMEOUT: integerVariable(10_000, minutes(24 * 60)).default(minutes(60)),
  WHATSAPP_WEB_RESOLVE: z
    .string()
    .regex(/^[\w.-]+:\d{1,5}$/, 'must look like host:port')
    .optional(),
  WHATSAPP_WEB_SPKI: z.base64('must be the SHA-256 of a public key in base64').optional(),
  WHATSAPP_START_TIMEOUT: integerVariable(1000, minutes(30)).default(90_000),
  WHATSAPP_PING_TIMEOUT: integerVariable(500, minutes(5)).default(10_000),
  CHROMIUM_PATH: z.string().startsWith('/', 'must be an absolute path').optional(),
  WHARF_CHROMIUM_SANDBOX: z.enum(['auto', 'on', 'off'], 'must be auto, on or off').default('auto'),
  WHARF_INTERNAL_TOKEN: z.string().optional(),
  SHUTDOWN_TIMEOUT: integerVariable(1000, minutes(30)).default(30_000),
  REDIS_URL: redisVariable.default(parseRedisUrl('redis://localhost:6379')),
  LOG_LEVEL: logLevelVariable.default('info'),
});

/**
 * Node's own flags for an instance's process; whoever starts one gives them. An instance passes many short-lived messages on, and V8's
 * default lets that garbage grow to 32 MB before it looks at it (`npm run bench:session`: 28 MB less). It cannot be set once V8 runs.
 */
export const INSTANCE_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2'];

/** An instance's configuration. Times are in milliseconds. */
export interface InstanceConfig {
  instance: string;
  port: number;
  bindAddress: string;
  /** Where routers reach it; null: the address it listens on. */
  announceUrl: string | null;
  host: string;
  sessionPath: string;
  capacity: number;
  redis: RedisAddress;
  chromiumPath: string | null;
  sandbox: 'auto' | 'on' | 'off';
  webResolve: string | null;
  webSpki: string | null;
  startConcurrency: number;
  backoff: BackoffRules;
  life: LifeTimeouts;
  client: ClientTimeouts;
  internalToken: string | undefined;
  shutdownTimeout: number;
  logLevel: string;
}

/** Reads and checks an instance's configuration. Throws `config_invalid` with every fault at once. */
export function instanceConfig(env: Env): Readonly<InstanceConfig> {
  return loadConfig(env, variables, (values, fault) => {
    const number = Number(values.INSTANCE_ID.replace('instance-', ''));
    if (number > values.WHATSAPP_INSTANCE_COUNT) {
      fault(
        'INSTANCE_ID',
        `is ${values.INSTANCE_ID}, yet WHATSAPP_INSTANCE_COUNT is ${values.WHATSAPP_INSTANCE_COUNT}: no workspace would find it`,
      );
    }
    if (values.WHATSAPP_WEB_SPKI !== undefined && values.WHATSAPP_WEB_RESOLVE === undefined) {
      fault('WHATSAPP_WEB_SPKI', 'is of no use without WHATSAPP_WEB_RESOLVE');
    }
    return {
      instance: values.INSTANCE_ID,
      port: values.PORT,
      bindAddress: values.BIND_ADDRESS,
      announceUrl: values.ANNOUNCE_URL ?? null,
      host: hostname(),
      sessionPath: values.WHATSAPP_SESSION_PATH,
      capacity: values.WHATSAPP_MAX_SESSIONS_PER_INSTANCE ?? values.MAX_SESSIONS_PER_INSTANCE ?? 750,
      redis: values.REDIS_URL,
      chromiumPath: values.CHROMIUM_PATH ?? null,
      sandbox: values.WHARF_CHROMIUM_SANDBOX,
      webResolve: values.WHATSAPP_WEB_RESOLVE ?? null,
      webSpki: values.WHATSAPP_WEB_SPKI ?? null,
      startConcurrency: values.WHATSAPP_START_CONCURRENCY ?? Math.max(2, 2 * availableParallelism()),
      backoff: {
        base: values.WHATSAPP_RECONNECT_BASE_DELAY,
        maxAttempts: values.WHATSAPP_MAX_RECONNECT_ATTEMPTS,
        slow: SLOW_RETRY,
      },
      life: {
        health: values.WHATSAPP_HEALTH_CHECK_INTERVAL,
        ready: values.WHATSAPP_START_TIMEOUT + 30_000,
        qr: values.WHATSAPP_QR_TIMEOUT,
      },
      client: {
        start: values.WHATSAPP_START_TIMEOUT,
        stop: 8000,
        ping: values.WHATSAPP_PING_TIMEOUT,
        read: 20_000,
        send: 60_000,
      },
      internalToken: values.WHARF_INTERNAL_TOKEN,
      shutdownTimeout: values.SHUTDOWN_TIMEOUT,
      logLevel: values.LOG_LEVEL,
    };
  });
}
