import { z } from 'zod';
import { hoursVariable, integerVariable } from '../common/config.ts';
import { type RedisAddress, redisVariable } from '../common/redis.ts';
import { type S3Place, s3Place } from './s3-place.ts';

const WEEK = 7 * 24 * 3_600_000;

/** What keeps a message that was accepted: the file of Redis, or its replicas, where a managed Redis has no file. */
export const queueDurabilities = ['file', 'replicas'] as const;
export type QueueDurability = (typeof queueDurabilities)[number];

/** What routers and instances must agree on about messages, events and media; part of both configurations. */
export const messagingVariables = {
  QUEUE_REDIS_URL: redisVariable.optional(),
  NODE_ENV: z.string().optional(),
  QUEUE_DURABILITY: z.enum(queueDurabilities).default('file'),
  QUEUE_MAX_DEPTH: integerVariable(1, 10_000_000).default(50_000),
  QUEUE_RETENTION_HOURS: hoursVariable.default(WEEK),
  EVENT_RETENTION_HOURS: hoursVariable.default(WEEK),
  MEDIA_RETENTION_HOURS: hoursVariable.default(WEEK),
  MEDIA_S3_BUCKET: z.string().min(3).max(63).optional(),
  MEDIA_S3_PREFIX: z.string().max(200).default('media/'),
  MEDIA_S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional(),
  AWS_REGION: z.string().min(1).max(60).optional(),
};

/** Times in milliseconds. */
export interface MessagingConfig {
  /** Where queues and events are. */
  queueRedis: RedisAddress;
  /** True: a Redis that may lose what it confirmed is refused. */
  production: boolean;
  /** What a Redis is judged by. */
  durability: QueueDurability;
  /** Messages a session's queue takes; those beyond are refused. */
  maxDepth: number;
  /** How long a message's body is kept after its end; 0: it goes with it. */
  messageRetention: number;
  /** How long events are kept; 0: until they are delivered. */
  eventRetention: number;
  mediaRetention: number;
  /** Null: media is kept on the session path. */
  mediaBucket: S3Place | null;
}

/** @param redis where Redis is, if the queues have none of their own */
export function messagingConfig(
  values: z.infer<z.ZodObject<typeof messagingVariables>>,
  redis: RedisAddress,
): MessagingConfig {
  return {
    queueRedis: values.QUEUE_REDIS_URL ?? redis,
    production: values.NODE_ENV === 'production',
    durability: values.QUEUE_DURABILITY,
    maxDepth: values.QUEUE_MAX_DEPTH,
    messageRetention: values.QUEUE_RETENTION_HOURS,
    eventRetention: values.EVENT_RETENTION_HOURS,
    mediaRetention: values.MEDIA_RETENTION_HOURS,
    mediaBucket: mediaBucketOf(values),
  };
}

/** The bucket for media, or null where it is kept on the session path. */
export function mediaBucketOf(
  values: Pick<
    z.infer<z.ZodObject<typeof messagingVariables>>,
    'MEDIA_S3_BUCKET' | 'MEDIA_S3_PREFIX' | 'MEDIA_S3_ENDPOINT' | 'AWS_REGION'
  >,
): S3Place | null {
  const { MEDIA_S3_BUCKET, MEDIA_S3_PREFIX, MEDIA_S3_ENDPOINT, AWS_REGION } = values;
  if (MEDIA_S3_BUCKET === undefined) return null;
  return s3Place(MEDIA_S3_BUCKET, MEDIA_S3_PREFIX, MEDIA_S3_ENDPOINT, AWS_REGION);
}
