import type { SessionMarks } from '../../fleet/events/inbox-marks.ts';
import type { HistoryQuery } from '../whatsapp/client.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

/**
 * How far before the moment up to which all is known a session's chats are looked at again, seconds. What happened to messages then (a quarter of an hour is
 * the longest for an edit) may have been stored by the page and not told before it was killed; and the clocks of Redis, of
 * this host and of WhatsApp need not agree. What is found a second time costs a look at its id (`IDS_REMEMBERED` must be longer).
 */
const OVERLAP = HOUR;

/** Chats that were silent for so long before the session was last seen have no mark of their own. */
const SILENT = 30 * DAY;

/** How far back a session is looked at that was linked before and has no marks: the Redis that had them was lost. */
export const WITHOUT_MARKS = DAY;

/** How long a message is waited for that cannot be read: senders repeat it within days or never. */
export const UNREADABLE = 14 * DAY;

export interface HistoryPlan {
  /** What to read, the chats that were active last first. */
  queries: HistoryQuery[];
  /** Chats whose marks say no more than having none. */
  forget: string[];
}

/**
 * Which chats may hold what is not in the log, and from when on. Pure.
 *
 * A chat is read where it has a message later than its mark, or had one within {@link OVERLAP} of the moment up to which all is known. Below both nothing new can
 * be, but for what comes with an earlier time: of that the page tells by itself.
 *
 * @param chats when each had its last message, Unix seconds
 * @param now Unix seconds
 */
export function planHistory(
  marks: SessionMarks,
  chats: ReadonlyMap<string, number>,
  now: number,
): HistoryPlan {
  const live = marks.liveUntil === null ? null : Math.floor(marks.liveUntil / 1000);
  const silentSince = Math.min(live ?? now, now) - SILENT;
  const beginning = Math.max(marks.since - 1, silentSince);
  const queries = [...chats].flatMap(([chatId, last]) => {
    const mark = marks.chats.get(chatId) ?? beginning;
    const after = Math.max(beginning, live === null ? mark - OVERLAP : Math.min(mark, live - OVERLAP));
    return last > after ? [{ chatId, after, skip: 0, last }] : [];
  });
  queries.sort((a, b) => b.last - a.last);
  return {
    queries: queries.map(({ last: _last, ...query }) => query),
    forget: [...marks.chats].flatMap(([chat, mark]) => (mark <= silentSince ? [chat] : [])),
  };
}
