import { z } from 'zod';
import { messageOf } from '../../common/errors.ts';
import type { ChainableCommander, Redis } from '../../common/redis.ts';
import type { WorkspaceId } from '../ids.ts';
import { queueAnswer } from '../queue/queue-answers.ts';
import { readJson } from '../redis-answers.ts';
import { RedisCommand } from '../redis-command.ts';
import {
  type ChangedWebhook,
  type Deliveries,
  type DeliveryTries,
  type Letter,
  letterSchema,
  type Pending,
  type ReceiverState,
  receiverStateSchema,
  type ShardHolder,
  triesSchema,
  type Undelivered,
} from './deliveries.ts';
import { deliveryKeys, type ShelfKeys, WEBHOOK_CONSUMER, WEBHOOK_GROUP } from './delivery-keys.ts';
import { storedEventSchema, type WharfEvent } from './event.ts';
import { eventKeys } from './event-keys.ts';
import type { EventLog, Position } from './event-log.ts';

const FOLDER = new URL('./delivery-commands/', import.meta.url);

/** Letters of events that were given up, kept for a workspace. */
const MOST_DEAD_LETTERS = 10_000;
/** Entries read in one answer where all that is pending is read. */
const PENDING_PAGE = 200;

/** An entry of a stream: its id and its fields, null where it was removed. */
const entriesSchema = z.array(z.tuple([z.string(), z.array(z.string()).nullable()]));
type Entry = z.infer<typeof entriesSchema>[number];
const readSchema = z.array(z.tuple([z.string(), entriesSchema])).nullable();

/** Deliveries in Redis; see {@link Deliveries}. What cannot be read there (another version wrote it) counts as forgotten. */
export class RedisDeliveries implements Deliveries {
  readonly #redis: Redis;
  readonly #events: Pick<EventLog, 'forget'>;
  readonly #read = new RedisCommand('read-2', FOLDER);
  readonly #noteChange = new RedisCommand('note-change-3', FOLDER);

  constructor(redis: Redis, events: Pick<EventLog, 'forget'>) {
    this.#redis = redis;
    this.#events = events;
  }

  async begin(workspace: WorkspaceId): Promise<void> {
    await this.end(workspace);
    await this.#createGroup(workspace, '$');
  }

  async end(workspace: WorkspaceId): Promise<void> {
    const { aside, dead, tries, states } = deliveryKeys;
    await queueAnswer(
      this.#redis.xgroup('DESTROY', eventKeys.stream(workspace), WEBHOOK_GROUP).catch(unlessNoStream),
    );
    const keys = [aside(workspace), dead(workspace)].flatMap(({ order, letters }) => [order, letters]);
    await all(
      this.#redis
        .multi()
        .del(tries(workspace), ...keys)
        .hdel(states, workspace),
    );
  }

  async pending(workspace: WorkspaceId): Promise<Pending> {
    const pending: Pending = { events: [], forgotten: [], tries: new Map() };
    const noted = await queueAnswer(this.#redis.hgetall(deliveryKeys.tries(workspace)));
    for (const [position, text] of Object.entries(noted)) {
      const tries = readJson(triesSchema, text);
      if (tries) pending.tries.set(position, tries);
    }
    let last = '0';
    for (;;) {
      const entries = await this.#pendingPage(workspace, last);
      for (const entry of entries) {
        const found = undelivered(entry);
        if (found) pending.events.push(found);
        else pending.forgotten.push(positionOf(entry[0]));
      }
      if (entries.length < PENDING_PAGE) return pending;
      last = entries.at(-1)?.[0] ?? last;
    }
  }

  async read(workspace: WorkspaceId, holder: ShardHolder, most: number): Promise<Undelivered[] | null> {
    const stream = eventKeys.stream(workspace);
    const reply = await this.#withGroup(workspace, () =>
      this.#read.run(
        this.#redis,
        deliveryKeys.shards,
        stream,
        holder.shard,
        holder.router,
        WEBHOOK_GROUP,
        WEBHOOK_CONSUMER,
        most,
      ),
    );
    if (reply === null) return null;
    const events: Undelivered[] = [];
    const unreadable: Position[] = [];
    for (const entry of entriesSchema.parse(reply)) {
      const found = undelivered(entry);
      if (found) events.push(found);
      else unreadable.push(positionOf(entry[0]));
    }
    await this.ended(workspace, unreadable);
    return events;
  }

  async reread(workspace: WorkspaceId, position: Position): Promise<WharfEvent | undefined> {
    const id = entryId(position);
    const reply = await queueAnswer(this.#redis.xrange(eventKeys.stream(workspace), id, id));
    const [entry] = entriesSchema.parse(reply);
    return entry && undelivered(entry)?.event;
  }

  async ended(workspace: WorkspaceId, positions: readonly Position[]): Promise<void> {
    if (positions.length === 0) return;
    // No transaction: a full Redis refuses every one, also those that make room. What ends between the two is tried from the first on.
    await all(
      this.#redis
        .pipeline()
        .hdel(deliveryKeys.tries(workspace), ...positions)
        .xack(eventKeys.stream(workspace), WEBHOOK_GROUP, ...positions.map(entryId)),
    );
    await this.#events.forget(workspace, positions);
  }

  async noteTries(workspace: WorkspaceId, position: Position, tries: DeliveryTries): Promise<void> {
    await queueAnswer(this.#redis.hset(deliveryKeys.tries(workspace), position, JSON.stringify(tries)));
  }

  async setAside(workspace: WorkspaceId, letters: readonly Letter[], due: number): Promise<void> {
    const { aside, dead } = deliveryKeys;
    await this.#move(workspace, letters, dead(workspace), aside(workspace), (_, index) => due + index / 1000);
  }

  async aside(workspace: WorkspaceId, now: number, most: number) {
    const shelf = deliveryKeys.aside(workspace);
    const [due, first] = await queueAnswer(
      Promise.all([
        this.#redis.zrangebyscore(shelf.order, '-inf', now, 'LIMIT', 0, most),
        this.#redis.zrangebyscore(shelf.order, `(${now}`, '+inf', 'WITHSCORES', 'LIMIT', 0, 1),
      ]),
    );
    const letters = await this.#letters(shelf, due);
    const next = first[1] === undefined ? null : Number(first[1]);
    return { due: letters, next };
  }

  async asideEnded(workspace: WorkspaceId, event: string): Promise<void> {
    const shelf = deliveryKeys.aside(workspace);
    await all(this.#redis.pipeline().zrem(shelf.order, event).hdel(shelf.letters, event));
  }

  async bury(workspace: WorkspaceId, letters: readonly Letter[], oldest: number): Promise<void> {
    const { aside, dead } = deliveryKeys;
    const shelf = dead(workspace);
    await this.#move(workspace, letters, aside(workspace), shelf, ({ position }) => Number(position));
    const count = await queueAnswer(this.#redis.zcard(shelf.order));
    const surplus = Math.max(0, count - MOST_DEAD_LETTERS);
    const first = await queueAnswer(this.#redis.zrange(shelf.order, 0, String(surplus + 99)));
    const known = await this.#letters(shelf, first);
    const kept = new Set(known.filter(({ movedAt }) => movedAt >= oldest).map(({ event }) => event.id));
    const forgotten = first.filter((id, index) => index < surplus || !kept.has(id));
    if (forgotten.length === 0) return;
    await all(
      this.#redis
        .multi()
        .zrem(shelf.order, ...forgotten)
        .hdel(shelf.letters, ...forgotten),
    );
  }

  async deadLetters(workspace: WorkspaceId, after: Position | null, most: number): Promise<Letter[]> {
    const shelf = deliveryKeys.dead(workspace);
    const from = after === null ? '-inf' : `(${after}`;
    const ids = await queueAnswer(this.#redis.zrangebyscore(shelf.order, from, '+inf', 'LIMIT', 0, most));
    return this.#letters(shelf, ids);
  }

  findDead(workspace: WorkspaceId, events: readonly string[]): Promise<Letter[]> {
    return this.#letters(deliveryKeys.dead(workspace), events);
  }

  async counts(workspace: WorkspaceId): Promise<{ aside: number; dead: number }> {
    const { aside, dead } = deliveryKeys;
    const [asides, deads] = await queueAnswer(
      Promise.all([this.#redis.zcard(aside(workspace).order), this.#redis.zcard(dead(workspace).order)]),
    );
    return { aside: asides, dead: deads };
  }

  async saveState(workspace: WorkspaceId, state: ReceiverState): Promise<void> {
    await queueAnswer(this.#redis.hset(deliveryKeys.states, workspace, JSON.stringify(state)));
  }

  async states(workspaces?: readonly WorkspaceId[]): Promise<Map<WorkspaceId, ReceiverState>> {
    const texts: [WorkspaceId, string | null][] = [];
    if (workspaces === undefined) {
      texts.push(...Object.entries(await queueAnswer(this.#redis.hgetall(deliveryKeys.states))));
    } else if (workspaces.length > 0) {
      const found = await queueAnswer(this.#redis.hmget(deliveryKeys.states, ...workspaces));
      texts.push(...workspaces.map((id, index): [WorkspaceId, string | null] => [id, found[index] ?? null]));
    }
    const states = texts.flatMap(([id, text]): [WorkspaceId, ReceiverState][] => {
      const state = readJson(receiverStateSchema, text);
      return state ? [[id, state]] : [];
    });
    return new Map(states);
  }

  async noteChange(workspace: WorkspaceId, generation: number): Promise<void> {
    const { revision, changes, generations } = deliveryKeys;
    const asked = this.#noteChange.run(this.#redis, revision, changes, generations, workspace, generation);
    await queueAnswer(asked);
  }

  async changesSince(revision: number): Promise<{ revision: number; workspaces: ChangedWebhook[] | null }> {
    const { changes } = deliveryKeys;
    const current = Number((await queueAnswer(this.#redis.get(deliveryKeys.revision))) ?? 0);
    if (current === revision) return { revision, workspaces: [] };
    if (current < revision) return { revision: current, workspaces: null };
    // What comes in between is told once more the next time.
    const ids = await queueAnswer(this.#redis.zrangebyscore(changes, `(${revision}`, '+inf'));
    if (ids.length === 0) return { revision: current, workspaces: [] };
    const found = await queueAnswer(this.#redis.hmget(deliveryKeys.generations, ...ids));
    const workspaces = ids.map((workspace, index) => ({ workspace, generation: Number(found[index] ?? 0) }));
    return { revision: current, workspaces };
  }

  async #move(
    workspace: WorkspaceId,
    letters: readonly Letter[],
    from: ShelfKeys,
    to: ShelfKeys,
    score: (letter: Letter, index: number) => number,
  ): Promise<void> {
    if (letters.length === 0) return;
    const ids = letters.map(({ event }) => event.id);
    const positions = letters.map(({ position }) => position);
    await all(
      this.#redis
        .multi()
        .zadd(
          to.order,
          ...letters.flatMap((letter, index) => [String(score(letter, index)), letter.event.id]),
        )
        .hset(to.letters, ...letters.flatMap((letter) => [letter.event.id, JSON.stringify(letter)]))
        .zrem(from.order, ...ids)
        .hdel(from.letters, ...ids)
        .xack(eventKeys.stream(workspace), WEBHOOK_GROUP, ...positions.map(entryId))
        .hdel(deliveryKeys.tries(workspace), ...positions),
    );
    await this.#events.forget(workspace, positions);
  }

  async #letters(shelf: ShelfKeys, ids: readonly string[]): Promise<Letter[]> {
    if (ids.length === 0) return [];
    const texts = await queueAnswer(this.#redis.hmget(shelf.letters, ...ids));
    return texts.flatMap((text) => {
      const letter = readJson(letterSchema, text);
      return letter ? [letter as Letter] : [];
    });
  }

  async #pendingPage(workspace: WorkspaceId, after: string): Promise<Entry[]> {
    const reply = await this.#withGroup(workspace, () =>
      this.#redis.xreadgroup(
        'GROUP',
        WEBHOOK_GROUP,
        WEBHOOK_CONSUMER,
        'COUNT',
        PENDING_PAGE,
        'STREAMS',
        eventKeys.stream(workspace),
        after,
      ),
    );
    return readSchema.parse(reply)?.[0]?.[1] ?? [];
  }

  /**
   * The group is missing where this Redis was emptied: all that is in the stream came since then, and none of it was delivered. Or the webhook
   * was removed a moment ago, which is noted before the group goes: then there is nothing more to read.
   */
  async #withGroup<T>(workspace: WorkspaceId, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (!/NOGROUP/.test(messageOf(error))) return queueAnswer(Promise.reject(error));
    }
    const generation = await queueAnswer(this.#redis.hget(deliveryKeys.generations, workspace));
    if (generation === '0') return null;
    await this.#createGroup(workspace, '0');
    return queueAnswer(ask());
  }

  async #createGroup(workspace: WorkspaceId, from: '$' | '0'): Promise<void> {
    const stream = eventKeys.stream(workspace);
    await queueAnswer(
      this.#redis.xgroup('CREATE', stream, WEBHOOK_GROUP, from, 'MKSTREAM').catch((error: unknown) => {
        if (!messageOf(error).startsWith('BUSYGROUP')) throw error;
      }),
    );
  }
}

function entryId(position: Position): string {
  return `${position}-0`;
}

function positionOf(entry: string): Position {
  return entry.slice(0, entry.indexOf('-'));
}

function undelivered([id, fields]: Entry): Undelivered | undefined {
  const index = fields?.indexOf('event') ?? -1;
  const text = index < 0 ? null : (fields?.[index + 1] ?? null);
  const event = readJson(storedEventSchema, text) as WharfEvent | undefined;
  return event && { position: positionOf(id), event, size: text?.length ?? 0 };
}

function unlessNoStream(error: unknown): void {
  if (!/requires the key to exist/.test(messageOf(error))) throw error;
}

/** Runs commands sent together; throws where one of them failed. */
async function all(commands: ChainableCommander): Promise<void> {
  const replies = await queueAnswer(commands.exec());
  for (const [error] of replies ?? []) if (error) await queueAnswer(Promise.reject(error));
}
