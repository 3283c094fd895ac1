import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import {
  hoursVariable,
  integerVariable,
  loadConfig,
  logLevelVariable,
  portVariable,
} from '../common/config.ts';
import type { Env } from '../common/env.ts';
import { parseRedisUrl, type RedisAddress, redisVariable } from '../common/redis.ts';
import type { ShardStrategy } from '../fleet/placement.ts';
import { type S3Place, s3Place } from '../fleet/s3-place.ts';

/** A bucket for backups. */
export interface BackupBucket extends S3Place {
  /** Encrypts objects with this key of KMS (`aws:kms`); null: as the bucket is set. */
  kmsKey: string | null;
}

/** What the backup service is told by its environment. */
export interface BackupConfig {
  port: number;
  bindAddress: string;
  /** Where routers reach it; null: the address it listens on. */
  announceUrl: string | null;
  sessionPath: string;
  redis: RedisAddress;
  /** Where events are written. */
  queueRedis: RedisAddress;
  /** How long events are kept, as routers and instances are told too, milliseconds. */
  eventRetention: number;
  /** A bucket, or a directory. */
  store: { kind: 's3'; place: BackupBucket } | { kind: 'directory'; path: string };
  /** As cron writes it, in UTC. */
  schedule: string;
  /** When all that is kept is verified, as cron writes it, in UTC; null: by hand alone. */
  verifySchedule: string | null;
  keepHourly: number;
  keepDaily: number;
  /** Up to so many milliseconds after the hour, at random, a run begins. */
  jitter: number;
  /** Sessions that are copied at one time. */
  concurrency: number;
  /** Sessions that each run restores into its scratch directory to look at them. */
  sample: number;
  scratch: string;
  instanceCount: number;
  shardStrategy: ShardStrategy;
  internalToken: string | undefined;
  logLevel: string;
}

const storeVariables = {
  BACKUP_S3_BUCKET: z.string().min(3).max(63).optional(),
  BACKUP_S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9_.-]+\/)*$/, 'must be empty or end with /')
    .default('backups/'),
  BACKUP_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional(),
  BACKUP_S3_KMS_KEY: z.string().min(1).max(2048).optional(),
  BACKUP_DIRECTORY: z.string().startsWith('/', 'must be an absolute path').optional(),
  AWS_REGION: z.string().min(1).max(60).optional(),
};

const variables = z.object({
  PORT: portVariable.default(3100),
  BIND_ADDRESS: z.string().min(1).default('127.0.0.1'),
  ANNOUNCE_URL: z.url({ protocol: /^https?$/, error: 'must be an http address' }).optional(),
  WHATSAPP_SESSION_PATH: z.string().startsWith('/', 'must be an absolute path').default('/mnt/efs/sessions'),
  WHATSAPP_INSTANCE_COUNT: integerVariable(1, 1000).default(4),
  WHATSAPP_SHARD_STRATEGY: z.enum(['workspace_modulo', 'workspace_hash']).default('workspace_modulo'),
  REDIS_URL: redisVariable.default(parseRedisUrl('redis://localhost:6379')),
  QUEUE_REDIS_URL: redisVariable.optional(),
  EVENT_RETENTION_HOURS: hoursVariable.default(7 * 24 * 3_600_000),
  ...storeVariables,
  BACKUP_SCHEDULE: z.string().default('0 * * * *'),
  BACKUP_VERIFY_SCHEDULE: z.string().default('30 3 * * 0'),
  BACKUP_KEEP_HOURLY: integerVariable(1, 10_000).default(24),
  BACKUP_KEEP_DAILY: integerVariable(0, 10_000).default(7),
  BACKUP_JITTER: integerVariable(0, 3_600_000).default(60_000),
  BACKUP_CONCURRENCY: integerVariable(1, 100).default(8),
  BACKUP_SAMPLE: integerVariable(0, 1000).default(3),
  WHARF_SCRATCH: z.string().startsWith('/', 'must be an absolute path').default(join(tmpdir(), 'wharf')),
  WHARF_INTERNAL_TOKEN: z.string().optional(),
  LOG_LEVEL: logLevelVariable.default('info'),
});

/** Reads and checks the backup service's configuration. Throws `config_invalid` with every fault at once. */
export function backupConfig(env: Env): Readonly<BackupConfig> {
  return loadConfig(env, variables, (values, fault) => {
    const store = storeOf(values, fault);
    if (store.kind === 'directory' && areNested(store.path, values.WHATSAPP_SESSION_PATH))
      fault(
        'BACKUP_DIRECTORY',
        `must not be on the session path (${values.WHATSAPP_SESSION_PATH}), nor the session path in it: what takes the sessions would take their backups. Name a directory on another disk, or a bucket (BACKUP_S3_BUCKET)`,
      );
    return {
      port: values.PORT,
      bindAddress: values.BIND_ADDRESS,
      announceUrl: values.ANNOUNCE_URL ?? null,
      sessionPath: values.WHATSAPP_SESSION_PATH,
      redis: values.REDIS_URL,
      queueRedis: values.QUEUE_REDIS_URL ?? values.REDIS_URL,
      eventRetention: values.EVENT_RETENTION_HOURS,
      store,
      schedule: values.BACKUP_SCHEDULE,
      verifySchedule: values.BACKUP_VERIFY_SCHEDULE === 'off' ? null : values.BACKUP_VERIFY_SCHEDULE,
      keepHourly: values.BACKUP_KEEP_HOURLY,
      keepDaily: values.BACKUP_KEEP_DAILY,
      jitter: values.BACKUP_JITTER,
      concurrency: values.BACKUP_CONCURRENCY,
      sample: values.BACKUP_SAMPLE,
      scratch: values.WHARF_SCRATCH,
      instanceCount: values.WHATSAPP_INSTANCE_COUNT,
      shardStrategy: values.WHATSAPP_SHARD_STRATEGY,
      internalToken: values.WHARF_INTERNAL_TOKEN,
      logLevel: values.LOG_LEVEL,
    };
  });
}

/** Which store the environment names, as {@link backupConfig} reads it, apart from all else. Null: none. Throws `config_invalid` with every fault of it. */
export function backupStoreConfig(env: Env): Readonly<BackupConfig['store']> | null {
  if (!env['BACKUP_S3_BUCKET'] && !env['BACKUP_DIRECTORY']) return null;
  return loadConfig(env, z.object(storeVariables), storeOf);
}

/** Whether two directories are one, or one of them lies in the other. Pure: by their names alone. */
export function areNested(one: string, other: string): boolean {
  const lies = (path: string, directory: string) => !/^\.\.(\/|$)/.test(relative(directory, path));
  return lies(one, other) || lies(other, one);
}

function storeOf(
  values: z.infer<z.ZodObject<typeof storeVariables>>,
  fault: (path: string, message: string) => void,
): BackupConfig['store'] {
  if (values.BACKUP_S3_BUCKET === undefined && values.BACKUP_DIRECTORY === undefined)
    fault('BACKUP_S3_BUCKET', 'must name a bucket, or BACKUP_DIRECTORY a directory, to keep the backups in');
  if (values.BACKUP_S3_BUCKET !== undefined && values.BACKUP_DIRECTORY !== undefined)
    fault('BACKUP_DIRECTORY', 'cannot stand beside BACKUP_S3_BUCKET: backups are kept in one place');
  const { BACKUP_S3_BUCKET, BACKUP_S3_PREFIX, BACKUP_S3_ENDPOINT, AWS_REGION } = values;
  if (BACKUP_S3_BUCKET === undefined) return { kind: 'directory', path: values.BACKUP_DIRECTORY ?? '' };
  const place = s3Place(BACKUP_S3_BUCKET, BACKUP_S3_PREFIX, BACKUP_S3_ENDPOINT, AWS_REGION);
  return { kind: 's3', place: { ...place, kmsKey: values.BACKUP_S3_KMS_KEY ?? null } };
}
