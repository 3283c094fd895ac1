import { z } from 'zod';
import { systemClock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { WorkspaceId } from '../ids.ts';
import { readJson } from '../redis-answers.ts';
import { subscribeTo } from '../redis-subscriber.ts';
import { eventKeys } from './event-keys.ts';

/** Between two tries to listen while Redis is away, milliseconds. */
const PAUSE = 1000;

const ringSchema = z.array(z.string().nullable());

interface Listener {
  workspace: WorkspaceId | 'all';
  hear: (workspace: WorkspaceId | null) => void;
}

/** Hears which workspaces have new events, over one connection of its own, made when the first listens. */
export class EventBell {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #listeners = new Set<Listener>();
  readonly #closed = new AbortController();
  #subscription: Promise<(() => Promise<void>) | undefined> | undefined;

  constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
  }

  listen(workspace: WorkspaceId | 'all', hear: (workspace: WorkspaceId | null) => void): () => void {
    const listener = { workspace, hear };
    this.#listeners.add(listener);
    this.#subscription ??= this.#subscribe();
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the event log is closed'));
    this.#listeners.clear();
    await (await this.#subscription)?.();
  }

  async #subscribe(): Promise<(() => Promise<void>) | undefined> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        return await subscribeTo(
          this.#redis,
          eventKeys.bell,
          (text) => this.#rung(text),
          () => {},
        );
      } catch (error) {
        this.#log.debug({ reason: messageOf(error) }, 'new events cannot be listened for yet');
        await systemClock.sleep(PAUSE, signal).catch(() => {});
      }
    }
    return undefined;
  }

  #rung(text: string): void {
    for (const workspace of readJson(ringSchema, text) ?? [])
      for (const listener of [...this.#listeners])
        if (listener.workspace === 'all' || listener.workspace === workspace) listener.hear(workspace);
  }
}
