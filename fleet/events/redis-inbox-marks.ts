import type { Redis } from '../../common/redis.ts';
import type { SessionKey } from '../queue/message-ids.ts';
import { queueAnswer } from '../queue/queue-answers.ts';
import { RedisCommand } from '../redis-command.ts';
import { eventKeys } from './event-keys.ts';
import { IDS_REMEMBERED, type InboxMarks, type MarksChange, type SessionMarks } from './inbox-marks.ts';

const FOLDER = new URL('./commands/', import.meta.url);

/** How long the marks of a session are kept after it last ran: also those of one that was deleted. */
const KEPT = 90 * 24 * 3_600_000;

const CHAT = 'chat:';
const UNREADABLE = 'unreadable:';

/** Marks in a hash for each session: `since`, `live`, `chat:ID`, `unreadable:ID`. */
export class RedisInboxMarks implements InboxMarks {
  readonly #redis: Redis;
  readonly #advance = new RedisCommand('advance-2', FOLDER);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async read(session: SessionKey): Promise<SessionMarks | null> {
    const fields = new Map(Object.entries(await queueAnswer(this.#redis.hgetall(eventKeys.marks(session)))));
    const since = wholeNumber(fields.get('since'));
    if (since === null) return null;
    const named = (prefix: string) => {
      const found = new Map<string, number>();
      for (const [name, value] of fields) {
        const time = name.startsWith(prefix) ? wholeNumber(value) : null;
        if (time !== null) found.set(name.slice(prefix.length), time);
      }
      return found;
    };
    return {
      since,
      liveUntil: wholeNumber(fields.get('live')),
      chats: named(CHAT),
      unreadable: named(UNREADABLE),
    };
  }

  async begin(session: SessionKey, since: number): Promise<void> {
    const key = eventKeys.marks(session);
    const begun = this.#redis.multi().del(key).hset(key, 'since', since).pexpire(key, KEPT).exec();
    const replies = (await queueAnswer(begun)) ?? [];
    for (const [error] of replies) if (error) await queueAnswer(Promise.reject(error));
  }

  async advance(changes: readonly MarksChange[]): Promise<void> {
    await queueAnswer(Promise.all(changes.map((change) => this.#change(change))));
  }

  async #change({ session, chats, unreadable, settled, forget, live }: MarksChange): Promise<void> {
    const { workspace, session: id } = session;
    const marks = [
      ...[...chats].flatMap(([chat, time]) => [`${CHAT}${chat}`, time]),
      ...[...unreadable].flatMap(([message, time]) => [`${UNREADABLE}${message}`, time]),
      ...settled.flatMap((message) => [`${UNREADABLE}${message}`, '']),
      ...forget.flatMap((chat) => [`${CHAT}${chat}`, '']),
    ];
    const keys = [eventKeys.marks(session), eventKeys.seen(workspace, id)];
    await this.#advance.run(this.#redis, ...keys, live ? 1 : 0, IDS_REMEMBERED, KEPT, ...marks);
  }
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
}
