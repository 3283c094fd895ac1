import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../../common/logger.ts';
import { parseRedisUrl } from '../../../common/redis.ts';
import type { MessagingConfig } from '../../../fleet/messaging-config.ts';
import { newMessageId, type SessionKey } from '../../../fleet/queue/message-ids.ts';
import type { MessageQueues } from '../../../fleet/queue/message-queues.ts';
import {
  openMessageQueues,
  openQueueConnections,
  type QueueConnections,
} from '../../../fleet/queue/open-queues.ts';
import type { AcceptedMessage } from '../../../fleet/queue/outgoing.ts';
import type { PrivateRedis } from '../../helpers/redis.ts';
import { type BenchProcess, startProgram, treeCpuSeconds } from '../support/processes.ts';
import { connectionsTo, residentMegabytes } from './connections.ts';
import { TEXT } from './posting.ts';
import { benchSessions } from './queue-sessions.ts';

const WEEK = 7 * 24 * 3_600_000;
/** Messages that are accepted at one time. */
const BULK = 1000;

/** What an owner cost over a while. */
export interface OwnerFigures {
  workspaces: number;
  connections: number;
  megabytes: number;
  /** Of a core. */
  cpuPercent: number;
  /** Of Redis, in the same while. */
  redisCpuPercent: number;
}

export interface Burst {
  messages: number;
  acceptedSeconds: number;
  /** Until the last was sent. */
  seconds: number;
}

/** Owners of queues, each a process, and in this process what accepts messages, as a router does. */
export class QueueFleet {
  readonly sessions: SessionKey[];
  readonly #redis: PrivateRedis;
  readonly #directory: string;
  readonly #each: number;
  readonly #workspaces: readonly number[];
  readonly #owners: BenchProcess[] = [];
  #connections: QueueConnections | undefined;
  #queues: MessageQueues | undefined;
  #closeQueues: () => Promise<void> = async () => {};

  /**
   * @param each sessions of an owner
   * @param workspaces of each owner
   */
  constructor(redis: PrivateRedis, directory: string, each: number, workspaces: readonly number[]) {
    this.#redis = redis;
    this.#directory = directory;
    this.#each = each;
    this.#workspaces = workspaces;
    this.sessions = workspaces.flatMap((count, owner) => benchSessions(owner, each, count));
  }

  async start(): Promise<void> {
    const log = createLogger('silent', {});
    const config: MessagingConfig = {
      queueRedis: parseRedisUrl(this.#redis.url),
      production: false,
      durability: 'file',
      maxDepth: 50_000,
      messageRetention: WEEK,
      eventRetention: WEEK,
      mediaRetention: WEEK,
      mediaBucket: null,
    };
    this.#connections = openQueueConnections(config, log);
    while (!this.#connections.isUp()) await sleep(10);
    const { queues, close } = await openMessageQueues(this.#connections, config, log);
    this.#queues = queues;
    this.#closeQueues = close;
    for (const [owner, workspaces] of this.#workspaces.entries())
      this.#owners.push(
        await startProgram('test/bench/messages/queue-owner-process.ts', {
          REDIS_URL: this.#redis.url,
          INSTANCE_ID: `instance-${owner + 1}`,
          WHATSAPP_SESSION_PATH: this.#directory,
          WHATSAPP_RATE_LIMIT_MAX: '0',
          RATE_LIMIT_CRITICAL: '0',
          RATE_LIMIT_HIGH: '0',
          RATE_LIMIT_NORMAL: '0',
          RATE_LIMIT_LOW: '0',
          OWNER: `${owner}`,
          SESSIONS: `${this.#each}`,
          WORKSPACES: `${workspaces}`,
        }),
      );
  }

  /** What each owner costs over so many seconds. */
  async owners(seconds: number): Promise<OwnerFigures[]> {
    const cpu = () => Promise.all(this.#owners.map(({ pid }) => treeCpuSeconds(pid)));
    const [before, redisBefore] = [await cpu(), await this.#redisCpu()];
    await sleep(seconds * 1000);
    const [after, redisAfter] = [await cpu(), await this.#redisCpu()];
    return await Promise.all(
      this.#owners.map(async ({ pid }, index) => ({
        workspaces: this.#workspaces[index] ?? 0,
        connections: await connectionsTo(pid, this.#redis.port),
        megabytes: await residentMegabytes(pid),
        cpuPercent: (100 * ((after[index] ?? 0) - (before[index] ?? 0))) / seconds,
        redisCpuPercent: (100 * (redisAfter - redisBefore)) / seconds,
      })),
    );
  }

  /** Hands in so many messages for every session, and waits until all were sent. Throws where any failed. */
  async burst(each: number): Promise<Burst> {
    const before = await this.#sums();
    const began = performance.now();
    const messages = Array.from({ length: each }, (_, number) =>
      this.sessions.map((session) => aMessage(session, number)),
    ).flat();
    for (let from = 0; from < messages.length; from += BULK) {
      const accepted = await this.#queuesOrThrow().accept(messages.slice(from, from + BULK));
      const odd = accepted.find(({ kind }) => kind !== 'queued');
      if (odd !== undefined) throw new Error(`a message was not accepted: ${JSON.stringify(odd)}`);
    }
    const acceptedSeconds = (performance.now() - began) / 1000;
    for (;;) {
      const now = await this.#sums();
      if (now.failed + now.unknown > before.failed + before.unknown)
        throw new Error(`messages failed: ${JSON.stringify(now)}`);
      if (now.depth === 0 && now.sent - before.sent === messages.length) break;
      await sleep(100);
    }
    return { messages: messages.length, acceptedSeconds, seconds: (performance.now() - began) / 1000 };
  }

  /** Bytes that Redis uses for data. */
  async redisMemory(): Promise<number> {
    const info = await this.#connectionsOrThrow().redis.info('memory');
    return Number(/used_memory_dataset:(\d+)/.exec(info)?.[1]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#owners.map((owner) => owner.stop()));
    await this.#closeQueues();
    this.#connections?.close();
  }

  async #sums() {
    const views = await this.#queuesOrThrow().views();
    const sum = (pick: (view: (typeof views)[number]) => number) =>
      views.reduce((total, view) => total + pick(view), 0);
    return {
      depth: sum(({ depth }) => depth),
      sent: sum(({ sent }) => sent),
      failed: sum(({ failed }) => failed),
      unknown: sum(({ unknown }) => unknown),
    };
  }

  async #redisCpu(): Promise<number> {
    const info = await this.#connectionsOrThrow().redis.info('cpu');
    const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
    return seconds('used_cpu_sys') + seconds('used_cpu_user');
  }

  #queuesOrThrow(): MessageQueues {
    if (this.#queues === undefined) throw new Error('the queues are not open yet');
    return this.#queues;
  }

  #connectionsOrThrow(): QueueConnections {
    if (this.#connections === undefined) throw new Error('there is no connection yet');
    return this.#connections;
  }
}

function aMessage(session: SessionKey, number: number): AcceptedMessage {
  return {
    message_id: newMessageId(session),
    workspace_id: session.workspace,
    session_id: session.session,
    priority: 'normal',
    on_unknown: 'report',
    accepted_at: new Date().toISOString(),
    send_at: null,
    waiter: null,
    message: { to: `4917${String(number).padStart(8, '0')}@c.us`, text: TEXT },
  };
}
