import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcceptedMessage } from '../../fleet/queue/outgoing.ts';
import { askSession } from './ask-session.ts';
import { EmulatedWhatsApp } from './emulated-whatsapp.ts';
import { eventually } from './eventually.ts';
import { browsersUnder } from './processes.ts';
import { type PrivateRedis, startRedis } from './redis.ts';
import { SupervisedInstance } from './supervised-instance.ts';
import { TestQueues } from './test-queues.ts';

const TOKEN = 'wharf-internal-token-of-this-test-0001';

/** A message as the emulated server had it. */
export interface ArrivedMessage {
  id: string;
  phone: string;
  to: string;
  body: string;
  attempts: number;
  ack: number;
}

/**
 * Instances as processes under their supervisors, with real browsers, real queues and the emulated WhatsApp; in place of a router a test hands
 * messages in and asks what became of them.
 */
export class OutboxFleet {
  readonly redis: PrivateRedis;
  readonly whatsapp: EmulatedWhatsApp;
  readonly root: string;
  /** The internal token of its processes. */
  readonly token = TOKEN;
  readonly instances: SupervisedInstance[] = [];
  readonly queues: TestQueues;

  private constructor(redis: PrivateRedis, whatsapp: EmulatedWhatsApp, root: string, queues: TestQueues) {
    this.redis = redis;
    this.whatsapp = whatsapp;
    this.root = root;
    this.queues = queues;
  }

  static async start(): Promise<OutboxFleet> {
    const [redis, whatsapp, root] = await Promise.all([
      startRedis({ appendonly: true, settings: ['--appendfsync', 'always'] }),
      EmulatedWhatsApp.start({ delivered_delay_ms: null }),
      mkdtemp(join(tmpdir(), 'wharf-outbox-')),
    ]);
    return new OutboxFleet(redis, whatsapp, root, await TestQueues.open(redis.url));
  }

  /** Starts an instance; limits are off. */
  instance(number = 1, env: Record<string, string> = {}): SupervisedInstance {
    const one = new SupervisedInstance({
      INSTANCE_ID: `instance-${number}`,
      PORT: '0',
      REDIS_URL: this.redis.url,
      WHATSAPP_SESSION_PATH: this.root,
      ...this.whatsapp.browserEnv,
      WHARF_INTERNAL_TOKEN: TOKEN,
      WHATSAPP_RATE_LIMIT_MAX: '0',
      RATE_LIMIT_CRITICAL: '0',
      RATE_LIMIT_HIGH: '0',
      RATE_LIMIT_NORMAL: '0',
      RATE_LIMIT_LOW: '0',
      ...env,
    });
    this.instances.push(one);
    return one;
  }

  /** Makes a session of a workspace on an instance, and links it. */
  async linked(one: SupervisedInstance, workspace: string, phone: string): Promise<void> {
    const url = (await this.#latest(one)).url;
    const created = await this.call(url, 'PUT', workspace, '', {});
    if (created.status >= 300) throw new Error(`the session was not made: ${await created.text()}`);
    const qr = await eventually(async () => {
      const answer = await this.call(url, 'GET', workspace, '/qr?format=json&wait=20');
      return answer.ok ? ((await answer.json()) as { qr: string }).qr : undefined;
    }, 60_000);
    await this.whatsapp.post('/scan', { qr, phone });
    await this.ready(one, workspace);
  }

  /** Waits until a session is ready on an instance. */
  async ready(one: SupervisedInstance, workspace: string): Promise<void> {
    await eventually(async () => (await this.status(one, workspace)) === 'ready', 90_000);
  }

  /** How a session stands there; undefined where the instance does not answer, or does not have it. */
  async status(one: SupervisedInstance, workspace: string): Promise<string | undefined> {
    const { url } = await this.#latest(one);
    try {
      const answer = await this.call(url, 'GET', workspace, '');
      return answer.ok ? ((await answer.json()) as { status: string }).status : undefined;
    } catch {
      return undefined;
    }
  }

  async call(url: string, method: string, workspace: string, path: string, body?: object): Promise<Response> {
    return await askSession({ url, token: TOKEN, workspace }, method, path, body);
  }

  /** Hands texts in, in order; their ids. */
  async accept(
    workspace: string,
    to: string,
    texts: readonly string[],
    changes: Partial<AcceptedMessage> = {},
  ): Promise<string[]> {
    return await this.queues.accept(
      ...texts.map((text) => ({
        workspace_id: workspace,
        session_id: 'main',
        message: { to: `${to}@c.us`, text },
        ...changes,
      })),
    );
  }

  /** What the server had from a phone, in order. */
  async arrived(phone: string): Promise<ArrivedMessage[]> {
    const { sent } = await this.whatsapp.get<{ sent: ArrivedMessage[] }>(`/sent?phone=${phone}&limit=5000`);
    return sent;
  }

  /** The browsers of all sessions. */
  async browsers(): Promise<number[]> {
    return (await browsersUnder(this.root)).map(({ pid }) => pid);
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map((one) => one.stop()));
    await this.queues.close();
    await Promise.all([this.redis.close(), this.whatsapp.close()]);
    await rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #latest(one: SupervisedInstance) {
    await one.ready();
    const latest = one.readies.at(-1);
    if (!latest) throw new Error('it was never up');
    return latest;
  }
}

/** A phone number for a test. */
export function aPhone(): string {
  return `4917${(randomBytes(4).readUInt32BE() % 100_000_000).toString().padStart(8, '0')}`;
}
