import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { internalToken } from '../../fleet/internal-token.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { redisRegistry } from '../../fleet/redis-registry.ts';
import type { Registry } from '../../fleet/registry.ts';
import { type RouterConfig, routerConfig } from '../../router/config.ts';
import { type Router, type RouterOverrides, startRouter } from '../../router/context.ts';
import { FakeInstance, type FakeInstanceOptions } from './fake-instance.ts';
import { type PrivateRedis, startRedis } from './redis.ts';

/** The admin key of test fleets. */
export const ADMIN_KEY = 'admin-key-of-a-test-fleet-0123456789';

/** A router with fake instances, its own Redis and its own session path. */
export interface TestFleet {
  redis: PrivateRedis;
  registry: Registry;
  coordination: Coordination;
  sessionPath: string;
  token: string;
  router: Router;
  url: string;
  /** Lines the router logged. */
  log: Record<string, unknown>[];
  addInstance(id: string, options?: Partial<FakeInstanceOptions>): Promise<FakeInstance>;
  /** Another router of the same fleet. */
  addRouter(changes?: Partial<RouterConfig>, overrides?: RouterOverrides): Promise<Router>;
  /** Asks the router; the admin's key unless another is given, null for none. */
  ask(method: string, path: string, options?: AskOptions): Promise<Told>;
  close(): Promise<void>;
}

/** What goes with a request. */
export interface AskOptions {
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  text?: string;
  key?: string | null;
  headers?: Record<string, string>;
  /** Another router than the first. */
  url?: string;
}

/** What came back. */
export interface Told {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers of all shapes, and fail where one is not there
  json: any;
}

/** Starts a fleet of fakes for tests of the router; `parts` are what all its routers share instead of what they would make. */
export async function startFleet(
  changes: Partial<RouterConfig> = {},
  parts: RouterOverrides = {},
): Promise<TestFleet> {
  const redis = await startRedis();
  const sessionPath = await mkdtemp(join(tmpdir(), 'wharf-router-'));
  const token = await internalToken(sessionPath);
  const silent = createLogger('silent', {});
  const connection: Redis = await connectRedis(parseRedisUrl(redis.url), silent);
  const registry = redisRegistry(connection);
  const coordination = redisCoordination(connection, 10_000);
  const claims = new Map<string, { instance: string; epoch: number }>();
  const instances: FakeInstance[] = [];
  const routers: Router[] = [];
  const log: Record<string, unknown>[] = [];
  const logger = createLogger(
    'debug',
    { service: 'router' },
    { write: (line) => log.push(JSON.parse(line)) },
  );

  const addRouter = async (more: Partial<RouterConfig> = {}, overrides: RouterOverrides = {}) => {
    const env = {
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      WHATSAPP_INSTANCE_COUNT: '2',
      WHATSAPP_SESSION_PATH: sessionPath,
      REDIS_URL: redis.url,
      WHARF_ADMIN_KEY: ADMIN_KEY,
    };
    const { config, secrets } = routerConfig(env);
    const router = await startRouter({ ...config, ...changes, ...more }, secrets, logger, {
      ...parts,
      ...overrides,
    });
    routers.push(router);
    return router;
  };
  const router = await addRouter().catch(async (error: unknown) => {
    connection.disconnect();
    await redis.close();
    await rm(sessionPath, { recursive: true, force: true });
    throw error;
  });

  return {
    redis,
    registry,
    coordination,
    sessionPath,
    token,
    router,
    log,
    addRouter,
    url: router.server.url,
    addInstance: async (id, options = {}) => {
      const instance = await new FakeInstance({
        id,
        registry,
        coordination,
        token,
        claims,
        ...options,
      }).start();
      instances.push(instance);
      const known = () => routers.every((each) => each.services.table.instance(id)?.url === instance.url);
      while (!known()) await new Promise((resolve) => setTimeout(resolve, 5));
      return instance;
    },
    ask: async (method, path, options = {}) => {
      const key = options.key === undefined ? ADMIN_KEY : options.key;
      const body = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
      const response = await fetch((options.url ?? router.server.url) + path, {
        method,
        headers: {
          ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...options.headers,
        },
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson && text !== '' ? JSON.parse(text) : undefined,
      };
    },
    close: async () => {
      await Promise.all(routers.map((each) => each.close()));
      await Promise.all(instances.map((each) => each.stop()));
      connection.disconnect();
      await redis.close();
      await rm(sessionPath, { recursive: true, force: true });
    },
  };
}
