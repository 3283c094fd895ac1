import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import { type Restore, type RestoreRequest, restoreSchema } from '../../fleet/backup/api.ts';
import { type SessionDetail, sessionDetailSchema } from '../../fleet/records.ts';
import { askSession } from './ask-session.ts';
import { type BackupProcess, startBackupProcess } from './backup-process.ts';
import { EmulatedWhatsApp } from './emulated-whatsapp.ts';
import { eventually } from './eventually.ts';
import { type PrivateRedis, startRedis } from './redis.ts';
import { SupervisedInstance } from './supervised-instance.ts';

const TOKEN = 'wharf-internal-token-of-this-test-0001';

/** A session of the scene. */
export interface SceneSession {
  workspace: string;
  session: string;
  phone: string;
}

/** One instance under its supervisor, a backup service and Redis as processes, with real browsers on the emulated WhatsApp. */
export class RestoreScene {
  readonly whatsapp: EmulatedWhatsApp;
  readonly sessionPath: string;
  redis: Redis;
  service: BackupProcess | undefined;
  #instance: SupervisedInstance | undefined;
  readonly #root: string;
  readonly #server: PrivateRedis;

  private constructor(root: string, whatsapp: EmulatedWhatsApp, server: PrivateRedis, redis: Redis) {
    this.#root = root;
    this.whatsapp = whatsapp;
    this.#server = server;
    this.redis = redis;
    this.sessionPath = join(root, 'sessions');
  }

  static async start(root: string): Promise<RestoreScene> {
    const [server, whatsapp] = await Promise.all([startRedis(), EmulatedWhatsApp.start()]);
    const redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
    const scene = new RestoreScene(root, whatsapp, server, redis);
    try {
      await Promise.all([mkdir(scene.sessionPath), mkdir(join(root, 'backups'))]);
      await scene.startInstance();
      await scene.startService();
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  async startInstance(): Promise<void> {
    this.#instance = new SupervisedInstance({
      INSTANCE_ID: 'instance-1',
      PORT: '0',
      REDIS_URL: this.#server.url,
      WHATSAPP_SESSION_PATH: this.sessionPath,
      WHARF_SCRATCH: join(this.#root, 'scratch'),
      ...this.whatsapp.browserEnv,
      WHARF_INTERNAL_TOKEN: TOKEN,
    });
    await this.#instance.ready();
  }

  async startService(): Promise<BackupProcess> {
    this.service = await startBackupProcess({
      redisUrl: this.#server.url,
      sessionPath: this.sessionPath,
      directory: join(this.#root, 'backups'),
      token: TOKEN,
    });
    return this.service;
  }

  get instance(): SupervisedInstance {
    if (!this.#instance) throw new Error('no instance runs');
    return this.#instance;
  }

  /** The pid of the instance's process, which its supervisor starts again. */
  get instancePid(): number {
    return this.instance.readies.at(-1)?.pid ?? 0;
  }

  async ask(of: SceneSession, method: string, path = '', body?: object): Promise<Response> {
    const url = this.instance.readies.at(-1)?.url ?? '';
    return await askSession({ url, token: TOKEN, ...of }, method, path, body);
  }

  /** A session as its instance shows it; undefined while it does not. */
  async detail(of: SceneSession): Promise<SessionDetail | undefined> {
    const answer = await this.ask(of, 'GET').catch(() => undefined);
    return sessionDetailSchema.safeParse(await answer?.json()).data;
  }

  async link(of: SceneSession): Promise<void> {
    await this.ask(of, 'PUT', '', {});
    const qr = await eventually(async () => {
      const answer = await this.ask(of, 'GET', '/qr?wait=5');
      return answer.ok && ((await answer.json()) as { qr: string }).qr;
    }, 60_000);
    await this.whatsapp.post('/scan', { qr, phone: of.phone });
    await this.ready(of);
  }

  async ready(of: SceneSession): Promise<void> {
    await eventually(async () => (await this.detail(of))?.status === 'ready', 90_000).catch(async () => {
      throw new Error(`${of.session} is ${(await this.detail(of))?.status}, not ready`);
    });
  }

  /** Ends the instance, and empties Redis and the share: what is left is the backups. */
  async lose(): Promise<void> {
    await this.#instance?.stop();
    await this.redis.flushall();
    await this.wipe();
  }

  /** Everything on the share is gone, under whatever runs on it. */
  async wipe(): Promise<void> {
    for (const name of await readdir(this.sessionPath))
      await rm(join(this.sessionPath, name), {
        recursive: true,
        force: true,
        maxRetries: 10,
        retryDelay: 50,
      });
  }

  /** Begins a restore, and answers its id. */
  async restore(request: Partial<RestoreRequest>): Promise<string> {
    const service = this.service ?? (await this.startService());
    await eventually(() => service.leads());
    const { status, body } = await service.ask('POST', '/api/restores', request);
    if (status !== 202) throw new Error(`the restore was answered ${status}: ${JSON.stringify(body)}`);
    return restoreSchema.parse(body).id ?? '';
  }

  /** A restore as it ended, whichever service answers. */
  async ended(id: string): Promise<Restore> {
    return await eventually(async () => {
      const answer = await this.service?.ask('GET', `/api/restores/${id}`).catch(() => undefined);
      const restore = restoreSchema.safeParse(answer?.body).data;
      return restore?.ended_at ? restore : undefined;
    }, 120_000);
  }

  async close(): Promise<void> {
    await this.service?.kill();
    await this.#instance?.stop();
    this.redis.disconnect();
    await Promise.all([this.#server.close(), this.whatsapp.close()]);
  }
}
