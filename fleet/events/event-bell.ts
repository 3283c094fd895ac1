import { z } from 'zod';
import type { WorkspaceId } from '../ids.ts';
import { readJson } from '../redis-answers.ts';
import type { RedisChannels } from '../redis-channels.ts';
import { eventKeys } from './event-keys.ts';

const ringSchema = z.array(z.string().nullable());

interface Listener {
  workspace: WorkspaceId | 'all';
  hear: (workspace: WorkspaceId | null) => void;
  missed: () => void;
}

/** Hears which workspaces have new events: one channel for all of them, since those who listen to some listen to most. */
export class EventBell {
  readonly #channels: RedisChannels;
  readonly #listeners = new Set<Listener>();
  #hangUp: (() => void) | undefined;

  constructor(channels: RedisChannels) {
    this.#channels = channels;
  }

  /** See `EventLog.listen`. One that comes while it hears already has missed nothing since. */
  listen(
    workspace: WorkspaceId | 'all',
    hear: (workspace: WorkspaceId | null) => void,
    missed: () => void = () => {},
  ): () => void {
    const listener = { workspace, hear, missed };
    this.#listeners.add(listener);
    this.#hangUp ??= this.#channels.listen(
      eventKeys.bell,
      (text) => this.#rung(text),
      () => {
        for (const each of [...this.#listeners]) each.missed();
      },
    );
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#hangUp?.();
      this.#hangUp = undefined;
    };
  }

  #rung(text: string): void {
    for (const workspace of readJson(ringSchema, text) ?? [])
      for (const listener of [...this.#listeners])
        if (listener.workspace === 'all' || listener.workspace === workspace) listener.hear(workspace);
  }
}
