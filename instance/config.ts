import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  hoursVariable,
  integerVariable,
  loadConfig,
  logLevelVariable,
  portVariable,
  switchVariable,
} from '../common/config.ts';
import type { Env } from '../common/env.ts';
import { parseRedisUrl, type RedisAddress, redisVariable } from '../common/redis.ts';
import { type MessagingConfig, messagingConfig, messagingVariables } from '../fleet/messaging-config.ts';
import type { SendLimit, SendLimits } from '../fleet/queue/limits.ts';
import {
  type HousekeepingConfig,
  housekeepingConfig,
  housekeepingVariables,
} from './housekeeping/housekeeping-config.ts';
import type { BackoffRules } from './session/backoff.ts';
import { SLOW_RETRY } from './session/backoff.ts';
import type { LifeTimeouts } from './session/session-life.ts';
import type { ClientTimeouts } from './whatsapp/client.ts';

const minutes = (count: number) => count * 60_000;

const perMinute = (count: number): SendLimit => ({ count, window: minutes(1) });

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
  WHATSAPP_RATE_LIMIT_MAX: integerVariable(0, 1_000_000).default(30),
  WHATSAPP_RATE_LIMIT_WINDOW: integerVariable(1000, minutes(24 * 60)).default(60_000),
  RATE_LIMIT_CRITICAL: integerVariable(0, 1_000_000).default(200),
  RATE_LIMIT_HIGH: integerVariable(0, 1_000_000).default(100),
  RATE_LIMIT_NORMAL: integerVariable(0, 1_000_000).default(60),
  RATE_LIMIT_LOW: integerVariable(0, 1_000_000).default(30),
  RATE_LIMIT_GLOBAL: integerVariable(0, 1_000_000).default(0),
  QUEUE_MESSAGE_CONCURRENCY: integerVariable(1, 1000).default(5),
  QUEUE_DEFAULT_ATTEMPTS: integerVariable(1, 100).default(3),
  QUEUE_MAX_WAIT_HOURS: hoursVariable.default(minutes(24 * 60)),
  SEND_TYPING: switchVariable.default(false),
  SEND_JITTER: integerVariable(0, 60_000).default(0),
  MEDIA_DOWNLOAD: z.enum(['on_demand', 'always'], 'must be on_demand or always').default('on_demand'),
  WHARF_SCRATCH: z.string().startsWith('/', 'must be an absolute path').default(join(tmpdir(), 'wharf')),
  LOG_LEVEL: logLevelVariable.default('info'),
  ...housekeepingVariables,
  ...messagingVariables,
});

/**
 * Node's own flags for an instance's process; whoever starts one gives them. An instance passes many short-lived messages on, and V8's
 * default lets that garbage grow to 32 MB before it looks at it (`npm run bench:session`: 28 MB less). It cannot be set once V8 runs.
 */
export const INSTANCE_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2'];

/** How messages are sent. Limits are counts of messages; 0: none. */
export interface OutboxConfig {
  limits: SendLimits;
  /** Messages that are handed to pages at one time. */
  concurrency: number;
  /** Tries of a message whose failure may pass. */
  attempts: number;
  /** How long a message may wait for a session that cannot send, before it fails. */
  maxWait: number;
  /** Shows "typing" before a text, for as long as it might have taken to write it. */
  typing: boolean;
  /** Up to so long is waited before each message, at random. */
  jitter: number;
}

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
  messaging: MessagingConfig;
  outbox: OutboxConfig;
  /** Whether received media is fetched when it comes, or when it is asked for. */
  mediaDownload: 'on_demand' | 'always';
  housekeeping: HousekeepingConfig;
  internalToken: string | undefined;
  /** A directory of this host, for copies of sessions on their way to a backup. */
  scratch: string;
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
      messaging: messagingConfig(values, values.REDIS_URL),
      outbox: {
        limits: {
          session: { count: values.WHATSAPP_RATE_LIMIT_MAX, window: values.WHATSAPP_RATE_LIMIT_WINDOW },
          workspace: {
            critical: perMinute(values.RATE_LIMIT_CRITICAL),
            high: perMinute(values.RATE_LIMIT_HIGH),
            normal: perMinute(values.RATE_LIMIT_NORMAL),
            low: perMinute(values.RATE_LIMIT_LOW),
          },
          global: perMinute(values.RATE_LIMIT_GLOBAL),
        },
        concurrency: values.QUEUE_MESSAGE_CONCURRENCY,
        attempts: values.QUEUE_DEFAULT_ATTEMPTS,
        maxWait: values.QUEUE_MAX_WAIT_HOURS,
        typing: values.SEND_TYPING,
        jitter: values.SEND_JITTER,
      },
      mediaDownload: values.MEDIA_DOWNLOAD,
      housekeeping: housekeepingConfig(values, fault),
      internalToken: values.WHARF_INTERNAL_TOKEN,
      scratch: values.WHARF_SCRATCH,
      shutdownTimeout: values.SHUTDOWN_TIMEOUT,
      logLevel: values.LOG_LEVEL,
    };
  });
}
