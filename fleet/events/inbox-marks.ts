import type { SessionKey } from '../queue/message-ids.ts';

/** How far a session's history is in the log. Times are Unix seconds of WhatsApp's clock where nothing else is said. */
export interface SessionMarks {
  /** What came before is not wanted: the account was linked then. */
  since: number;
  /** Milliseconds of Redis's clock: what happened up to then is in the log, whichever chat; null: not known. */
  liveUntil: number | null;
  /** The last message of each chat that is in the log. */
  chats: ReadonlyMap<string, number>;
  /** Messages that came and could not be read, by WhatsApp's id, and when they were sent. */
  unreadable: ReadonlyMap<string, number>;
}

/** What of a session has been written to the log since. */
export interface MarksChange {
  session: SessionKey;
  /** The last message of a chat; marks never go back. */
  chats: ReadonlyMap<string, number>;
  unreadable: ReadonlyMap<string, number>;
  /** Of `unreadable` before: they are in the log now, or waited for no more. */
  settled: readonly string[];
  /** Chats whose marks are as good as none. */
  forget: readonly string[];
  /** True: all that happened so far is in the log. */
  live: boolean;
}

/**
 * The marks up to which sessions' histories have been turned into events. They follow the log: whoever ends between the two finds some messages
 * again and writes events that are there already. Throws `queue_unavailable`.
 */
export interface InboxMarks {
  /** Null where there are none. */
  read(session: SessionKey): Promise<SessionMarks | null>;
  /** Begins anew: what came before `since` is not wanted. */
  begin(session: SessionKey, since: number): Promise<void>;
  advance(changes: readonly MarksChange[]): Promise<void>;
}

/** How far before `liveUntil` the ids of events are remembered, ms. Who looks for what was missed looks back less far than that. */
export const IDS_REMEMBERED = 3 * 3_600_000;
