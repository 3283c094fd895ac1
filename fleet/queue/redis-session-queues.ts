import { type Clock, systemClock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { SessionId, WorkspaceId } from '../ids.ts';
import type { QueueDurability } from '../messaging-config.ts';
import type { RedisChannels } from '../redis-channels.ts';
import type { SendLimits } from './limits.ts';
import type { SessionKey } from './message-ids.ts';
import { queueKeys } from './queue-keys.ts';
import { readViews } from './queue-views.ts';
import { queueCommands } from './redis-queue-commands.ts';
import { RedisSessionQueue, type SessionQueueParts, type TellGivenUp } from './redis-session-queue.ts';
import { Replication } from './replication.ts';
import type { SessionQueue, SessionQueues } from './session-queues.ts';

/** How often it is looked for sessions whose ring was lost, milliseconds. */
const SWEEP_EVERY = 3000;
/** Workspaces that are looked at in one step. */
const SWEEP_AT_ONCE = 50;

export interface SessionQueuesOptions {
  limits: SendLimits;
  /** True where bodies are kept for a time after their message's end. */
  keepsBodies: boolean;
  tellGivenUp: TellGivenUp;
  /** What keeps a hand-over to a page; `file` where it is not said. */
  promise?: QueueDurability;
  clock?: Clock;
  /** Milliseconds between sweeps. */
  sweepEvery?: number;
}

/** {@link SessionQueues} in Redis: all sessions of an instance over one connection for commands and one for doorbells. */
export class RedisSessionQueues implements SessionQueues {
  readonly #parts: SessionQueueParts;
  readonly #channels: RedisChannels;
  readonly #sweepEvery: number;
  readonly #rings = new Map<WorkspaceId, (session: SessionId) => void>();
  readonly #closing = new AbortController();
  #isSweeping = false;

  constructor(redis: Redis, channels: RedisChannels, options: SessionQueuesOptions, log: Logger) {
    this.#channels = channels;
    this.#sweepEvery = options.sweepEvery ?? SWEEP_EVERY;
    this.#parts = {
      redis,
      commands: queueCommands(redis),
      replication: new Replication(redis, log, options.promise),
      limits: options.limits,
      keepsBodies: options.keepsBodies,
      tellGivenUp: options.tellGivenUp,
      clock: options.clock ?? systemClock,
      log,
    };
  }

  /** Hand-overs to pages that were written down though no replica confirmed them. */
  get unreplicated(): number {
    return this.#parts.replication.unreplicated;
  }

  open(session: SessionKey, epoch: () => number): SessionQueue {
    return new RedisSessionQueue(session, epoch, this.#parts);
  }

  /** One listener for each workspace: a second replaces the first. */
  listen(workspace: WorkspaceId, ring: (session: SessionId) => void): () => void {
    this.#rings.set(workspace, ring);
    const hear = (session: SessionId) => this.#ring(workspace, session);
    const stop = this.#channels.listen(queueKeys.rings + workspace, hear, () => void this.#look([workspace]));
    if (!this.#isSweeping) void this.#sweep();
    return () => {
      stop();
      if (this.#rings.get(workspace) === ring) this.#rings.delete(workspace);
    };
  }

  async hasMessages(session: SessionKey): Promise<boolean> {
    const [view] = await readViews(this.#parts.commands, [session]);
    return view !== undefined && view.depth > 0;
  }

  /** Stops looking; the connections are closed by whoever opened them. */
  async close(): Promise<void> {
    this.#rings.clear();
    this.#closing.abort();
  }

  #ring(workspace: WorkspaceId, session: SessionId): void {
    this.#rings.get(workspace)?.(session);
  }

  async #sweep(): Promise<void> {
    this.#isSweeping = true;
    while (!this.#closing.signal.aborted) {
      const workspaces = [...this.#rings.keys()];
      for (let index = 0; index < workspaces.length; index += SWEEP_AT_ONCE)
        await this.#look(workspaces.slice(index, index + SWEEP_AT_ONCE));
      await this.#parts.clock.sleep(this.#sweepEvery, this.#closing.signal).catch(() => {});
    }
  }

  /** Rings for the sessions that have something to do now: a ring is lost where a process or a connection is. */
  async #look(workspaces: WorkspaceId[]): Promise<void> {
    const sets = workspaces.flatMap((workspace) => [workspace, queueKeys.pending + workspace]);
    try {
      const found = await this.#parts.commands.due(queueKeys.queues, ...sets);
      for (let index = 0; index + 1 < found.length; index += 2)
        this.#ring(found[index] ?? '', found[index + 1] ?? '');
    } catch (error) {
      // Those who serve the queues meet it too, and say so. The next sweep looks again.
      this.#parts.log.debug({ reason: messageOf(error) }, 'could not look which sessions have messages');
    }
  }
}
