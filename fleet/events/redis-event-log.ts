import { z } from 'zod';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { WorkspaceId } from '../ids.ts';
import { queueAnswer } from '../queue/queue-answers.ts';
import { Replication } from '../queue/replication.ts';
import { readJson } from '../redis-answers.ts';
import type { RedisChannels } from '../redis-channels.ts';
import { RedisCommand } from '../redis-command.ts';
import { storedEventSchema, type WharfEvent } from './event.ts';
import { EventBell } from './event-bell.ts';
import { eventKeys } from './event-keys.ts';
import type { EventFilter, EventLog, EventPage, LoggedEvent, Position } from './event-log.ts';

const FOLDER = new URL('./commands/', import.meta.url);

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** What bounds the log beside the time events are kept; each may be smaller in a test. Times in milliseconds. */
export interface LogBounds {
  /** Events that nobody is to be brought, where none are kept beyond their delivery: so long a reader of SSE may be away. */
  unread: number;
  /** Undelivered events in that case, and the index of all events. */
  undelivered: number;
  /** Entries of the index, some 30 bytes each; who has read less of it is told of a gap. */
  index: number;
  /** Ids remembered of a session, some 130 bytes each. Those of the last hours go by time (`RedisMarks`), so this is for a flood. */
  ids: number;
  /** How long ids are remembered after a session's last event; see `RedisMarks` for why they may not go sooner. */
  idsAfterLast: number;
  /** Between two looks at a stream for what is too old. */
  pause: number;
  /** Events written or read in one step, during which Redis does nothing else. */
  step: number;
}

const BOUNDS: LogBounds = {
  unread: 10 * MINUTE,
  undelivered: 7 * DAY,
  index: 1_000_000,
  ids: 20_000,
  idsAfterLast: 90 * DAY,
  pause: MINUTE,
  step: 250,
};

const stretchSchema = z.array(z.string()).min(1);

/**
 * The events in Redis: a stream for each workspace, whose positions come from one clock, and an index of them all.
 *
 * The clock gives microseconds since 1970, or one more than it gave last: it grows when Redis's clock steps back, and also past what was
 * read before Redis was emptied.
 */
export class RedisEventLog implements EventLog {
  readonly #redis: Redis;
  readonly #retention: number;
  readonly #bounds: LogBounds;
  readonly #bell: EventBell;
  readonly #replication: Replication;
  readonly #append = new RedisCommand('append-5', FOLDER);
  readonly #tidy = new RedisCommand('tidy-3', FOLDER);
  readonly #read = new RedisCommand('read-2', FOLDER);
  readonly #readAll = new RedisCommand('read-all-2', FOLDER);

  /**
   * @param channels where it listens; only once somebody does
   * @param retention how long events are kept, milliseconds; 0: until they are delivered
   */
  constructor(
    redis: Redis,
    channels: RedisChannels,
    retention: number,
    log: Logger,
    bounds: Partial<LogBounds> = {},
  ) {
    this.#redis = redis;
    this.#retention = retention;
    this.#bounds = { ...BOUNDS, ...bounds };
    this.#bell = new EventBell(channels);
    this.#replication = new Replication(redis, log);
  }

  async append(events: readonly WharfEvent[]): Promise<void> {
    for (let start = 0; start < events.length; start += this.#bounds.step) {
      try {
        await this.#write(events.slice(start, start + this.#bounds.step));
      } catch (error) {
        // Whoever comes again finds more room then.
        if (isFull(error)) await this.tidy().catch(() => {});
        throw error;
      }
    }
  }

  /** Removes what is too old, of a few workspaces; appending does that too. For times when nothing happens. */
  async tidy(): Promise<void> {
    const { unread, undelivered, index, pause } = this.#bounds;
    const keys = [eventKeys.due, eventKeys.index, eventKeys.forgotten];
    await queueAnswer(
      this.#tidy.run(this.#redis, ...keys, this.#retention, unread, undelivered, index, pause),
    );
  }

  async after(position: Position, filter: EventFilter, limit: number): Promise<EventPage> {
    if (!/^\d{1,16}$/.test(position)) throw new RangeError(`${position} is no position of an event`);
    const count = Math.min(Math.max(limit, 50), this.#bounds.step);
    const { forgotten, entries } = await this.#stretch(position, filter.workspace, count);
    const page: EventPage = {
      events: [],
      next: position,
      atEnd: entries.length < count,
      gap: Number(position) < Number(forgotten),
    };
    for (const { position: next, event } of entries) {
      if (page.events.length === limit) return { ...page, atEnd: false };
      page.next = next;
      if (event && passes(event, filter)) page.events.push({ position: next, event });
    }
    return page;
  }

  async end(): Promise<Position> {
    return (await queueAnswer(this.#redis.get(eventKeys.clock))) ?? '0';
  }

  async forget(workspace: WorkspaceId, positions: readonly Position[]): Promise<void> {
    if (this.#retention > 0 || positions.length === 0) return;
    const ids = positions.map((position) => `${position}-0`);
    await queueAnswer(this.#redis.xdel(eventKeys.stream(workspace), ...ids));
  }

  listen(
    workspace: WorkspaceId | 'all',
    hear: (workspace: WorkspaceId | null) => void,
    missed?: () => void,
  ): () => void {
    return this.#bell.listen(workspace, hear, missed);
  }

  async #write(events: readonly WharfEvent[]): Promise<void> {
    const { unread, undelivered, index, ids, idsAfterLast, pause } = this.#bounds;
    const { clock, index: indexKey, due, forgotten, bell } = eventKeys;
    const values = events.flatMap((event) => [
      eventKeys.stream(event.workspace_id),
      eventKeys.seen(event.workspace_id, event.session_id),
      JSON.stringify(event.workspace_id),
      event.id.replace('evt_', ''),
      JSON.stringify(event),
    ]);
    const keys = [clock, indexKey, due, forgotten, bell];
    const bounds = [this.#retention, unread, undelivered, index, ids, idsAfterLast, pause];
    const write = () => queueAnswer(this.#append.run(this.#redis, ...keys, ...bounds, ...values));
    // What a failover could lose is not yet written down: the marks that follow would hide it.
    await this.#replication.confirmed(write, events.length);
  }

  async #stretch(
    position: Position,
    workspace: WorkspaceId | undefined,
    count: number,
  ): Promise<{
    forgotten: Position;
    entries: { position: Position; event: LoggedEvent['event'] | undefined }[];
  }> {
    const { index, forgotten: forgottenKey, stream } = eventKeys;
    const asked =
      workspace === undefined
        ? this.#readAll.run(this.#redis, index, forgottenKey, position, count, stream(''), stream(null))
        : this.#read.run(this.#redis, stream(workspace), forgottenKey, position, count);
    const [forgotten = '0', ...flat] = stretchSchema.parse(await queueAnswer(asked));
    const entries = [];
    for (let at = 0; at + 1 < flat.length; at += 2)
      entries.push({ position: flat[at] as Position, event: readEvent(flat[at + 1] as string) });
    return { forgotten, entries };
  }
}

/** An event from its JSON; undefined where it was removed, or another version wrote what cannot be read here. */
function readEvent(text: string): WharfEvent | undefined {
  // Its data was checked by whoever made it.
  return text === '' ? undefined : (readJson(storedEventSchema, text) as WharfEvent | undefined);
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.message.startsWith('OOM ');
}

function passes(event: WharfEvent, { workspace, session, types }: EventFilter): boolean {
  return (
    (workspace === undefined || event.workspace_id === workspace) &&
    (session === undefined || event.session_id === session) &&
    (types === undefined || types.includes(event.type))
  );
}
