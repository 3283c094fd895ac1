import { z } from 'zod';
import {
  hoursVariable,
  integerVariable,
  loadConfig,
  logLevelVariable,
  portVariable,
} from '../common/config.ts';
import type { Env } from '../common/env.ts';
import { messageOf } from '../common/errors.ts';
import { parseRedisUrl, type RedisAddress } from '../common/redis.ts';
import { type MessagingConfig, messagingConfig, messagingVariables } from '../fleet/messaging-config.ts';
import { instanceId, type ShardStrategy } from '../fleet/placement.ts';
import { isSchedule } from './failover/rebalance-schedule.ts';

/** What a router is told by its environment. */
export interface RouterConfig {
  port: number;
  /** Where it listens: all addresses by default, since a router is the front door and every path but a few asks for a key. */
  bindAddress: string;
  /** How many instances the home rule divides by. */
  instanceCount: number;
  shardStrategy: ShardStrategy;
  /** Base URLs of instances by id, where they are configured; they go before what an instance announces of itself. */
  instanceUrls: Readonly<Record<string, string>>;
  /** Sessions of a configured instance that announces nothing. */
  maxSessionsPerInstance: number;
  sessionPath: string;
  redis: RedisAddress;
  logLevel: string;
  /** When workspaces are brought home by themselves, as cron writes it; null: only when asked to. */
  rebalanceSchedule: string | null;
  /** Milliseconds a client may take to send a whole request. */
  requestTimeout: number;
  /** Milliseconds a request is held while its instance cannot be reached. */
  holdTime: number;
  /** The same while its workspace is being moved, or its sessions are coming up after that. */
  moveHoldTime: number;
  /** Milliseconds from when it is asked to stop, and says so at `/ready`, until it takes no more connections. */
  stopDelay: number;
  messaging: MessagingConfig;
  webhooks: WebhookConfig;
}

/** How webhooks are delivered. Times in milliseconds. */
export interface WebhookConfig {
  /** For an answer of the receiver. */
  timeout: number;
  /** From an event's first try to its becoming a dead letter. */
  retryTime: number;
  /** `public`: receivers on private addresses are refused. Link-local ones always are: there cloud providers hand out credentials. */
  addresses: 'any' | 'public';
}

/** What a router is told in confidence. */
export interface RouterSecrets {
  /** An admin key that is good while it stands in the environment. */
  adminKey: string | undefined;
  internalToken: string | undefined;
}

/** Highest number N of a `WHATSAPP_INSTANCE_N`. */
const MOST_INSTANCES = 1000;

const variables = z.object({
  PORT: portVariable.default(3000),
  BIND_ADDRESS: z.string().default('0.0.0.0'),
  WHATSAPP_INSTANCE_COUNT: integerVariable(1, MOST_INSTANCES).default(4),
  WHATSAPP_SHARD_STRATEGY: z.enum(['workspace_modulo', 'workspace_hash']).default('workspace_modulo'),
  WHATSAPP_MAX_SESSIONS_PER_INSTANCE: integerVariable(1, 100_000).optional(),
  MAX_SESSIONS_PER_INSTANCE: integerVariable(1, 100_000).optional(),
  WHATSAPP_SESSION_PATH: z.string().default('/mnt/efs/sessions'),
  REDIS_URL: z.string().default('redis://localhost:6379'),
  LOG_LEVEL: logLevelVariable.default('info'),
  WHARF_REQUEST_TIMEOUT: integerVariable(100, 3_600_000).default(60_000),
  WHARF_HOLD_TIME: integerVariable(0, 60_000).default(5000),
  WHARF_MOVE_HOLD_TIME: integerVariable(0, 60_000).default(30_000),
  WHARF_STOP_DELAY: integerVariable(0, 600_000).default(0),
  WHARF_REBALANCE_SCHEDULE: z
    .string()
    .refine(isSchedule, 'must be a cron schedule, such as 0 4 * * * for every day at four')
    .optional(),
  WHARF_ADMIN_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{32,200}$/, 'must be 32 to 200 printable characters without spaces')
    .optional(),
  WHARF_INTERNAL_TOKEN: z.string().optional(),
  WEBHOOK_TIMEOUT: integerVariable(100, 60_000).default(15_000),
  WEBHOOK_RETRY_HOURS: hoursVariable.default(72 * 3_600_000),
  WEBHOOK_ADDRESSES: z.enum(['any', 'public'], 'must be any or public').default('any'),
  ...messagingVariables,
});

const urlVariable = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

/**
 * Reads a router's configuration, its secrets apart.
 *
 * @throws WharfError `config_invalid` with every fault at once
 */
export function routerConfig(env: Env): Readonly<{ config: RouterConfig; secrets: RouterSecrets }> {
  return loadConfig(env, variables, (values, fault) => {
    let redis: RedisAddress | undefined;
    try {
      redis = parseRedisUrl(values.REDIS_URL);
    } catch (error) {
      fault('REDIS_URL', messageOf(error));
    }
    const config: RouterConfig = {
      port: values.PORT,
      bindAddress: values.BIND_ADDRESS,
      instanceCount: values.WHATSAPP_INSTANCE_COUNT,
      shardStrategy: values.WHATSAPP_SHARD_STRATEGY,
      instanceUrls: instanceUrls(env, values.WHATSAPP_INSTANCE_COUNT, fault),
      maxSessionsPerInstance:
        values.WHATSAPP_MAX_SESSIONS_PER_INSTANCE ?? values.MAX_SESSIONS_PER_INSTANCE ?? 750,
      sessionPath: values.WHATSAPP_SESSION_PATH,
      redis: redis ?? { options: {}, shown: '' },
      logLevel: values.LOG_LEVEL,
      rebalanceSchedule: values.WHARF_REBALANCE_SCHEDULE ?? null,
      requestTimeout: values.WHARF_REQUEST_TIMEOUT,
      holdTime: values.WHARF_HOLD_TIME,
      moveHoldTime: values.WHARF_MOVE_HOLD_TIME,
      stopDelay: values.WHARF_STOP_DELAY,
      messaging: messagingConfig(values, redis ?? { options: {}, shown: '' }),
      webhooks: {
        timeout: values.WEBHOOK_TIMEOUT,
        retryTime: values.WEBHOOK_RETRY_HOURS,
        addresses: values.WEBHOOK_ADDRESSES,
      },
    };
    return {
      config: Object.freeze(config),
      secrets: { adminKey: values.WHARF_ADMIN_KEY, internalToken: values.WHARF_INTERNAL_TOKEN },
    };
  });
}

/** `WHATSAPP_INSTANCE_1` ... : a family of names, which no fixed schema lists. */
function instanceUrls(
  env: Env,
  count: number,
  fault: (variable: string, message: string) => void,
): Readonly<Record<string, string>> {
  const urls: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const digits = /^WHATSAPP_INSTANCE_(\d+)$/.exec(name)?.[1];
    if (digits === undefined || value === undefined || value === '') continue;
    const number = Number(digits);
    if (number < 1 || number > MOST_INSTANCES || String(number) !== digits) {
      fault(name, `names no instance: they are counted from 1 to ${MOST_INSTANCES}`);
      continue;
    }
    if (number > count) fault(name, `is beyond WHATSAPP_INSTANCE_COUNT (${count}); raise the count`);
    const url = urlVariable.safeParse(value);
    if (url.success && new URL(value).pathname === '/') urls[instanceId(number)] = new URL(value).origin;
    else fault(name, 'must be the base URL of an instance, such as http://10.0.0.5:3001');
  }
  return Object.freeze(urls);
}
