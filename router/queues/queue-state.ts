import type { QueueView } from '../../fleet/queue/message-queues.ts';
import type { SessionStatus } from '../../fleet/records.ts';

/** How a session's queue gets on. */
export const QUEUE_STATES = ['stuck', 'waiting', 'limited', 'flowing', 'idle'] as const;
export type QueueState = (typeof QUEUE_STATES)[number];

/** Milliseconds without anything sent after which a queue that could go on is stuck. */
export const STUCK_AFTER = 5 * 60_000;

/** What a queue's state follows from. Times are milliseconds since 1970. */
export interface QueueFacts {
  view: Pick<QueueView, 'depth' | 'delayed' | 'oldest_at' | 'limited_until' | 'last_sent_at'>;
  /** Undefined: no instance tells of the session. */
  status: SessionStatus | undefined;
  /** Since when it has been ready, as far as this router saw. */
  readySince: number;
  now: number;
}

/** A queue's state, and since when nothing moved where something could. */
export interface QueueJudgement {
  state: QueueState;
  /** What it waits for; empty where nothing is to be explained. */
  reason: string;
  /** Since when it could have sent and did not; null in other states than `stuck`. */
  stuckSince: number | null;
}

/**
 * What is to be said of a queue:
 *
 * - `idle`: nothing in it may go now; what is for later does not count
 * - `waiting`: the session is not ready, so nothing can be sent
 * - `limited`: a limit holds its next message back
 * - `stuck`: nothing of that, and all the same nothing was sent for {@link STUCK_AFTER}: neither since its last message, nor since the oldest was
 *   accepted, nor since the session became ready
 * - `flowing`: it sends, or had no time to yet
 */
export function judgeQueue(
  { view, status, readySince, now }: QueueFacts,
  window = STUCK_AFTER,
): QueueJudgement {
  const judged = (state: QueueState, reason = ''): QueueJudgement => ({ state, reason, stuckSince: null });
  if (view.depth - view.delayed <= 0) return judged('idle');
  if (status === undefined) return judged('waiting', 'no instance runs the session');
  if (status !== 'ready') return judged('waiting', `the session is ${status}`);
  if (timeOf(view.limited_until) > now) return judged('limited', `until ${view.limited_until}`);
  // What was for later, or behind a limit, could go only from then on.
  const since = Math.max(
    timeOf(view.oldest_at),
    timeOf(view.last_sent_at),
    timeOf(view.limited_until),
    readySince,
  );
  const still = now - since;
  if (still < window) return judged('flowing');
  return {
    state: 'stuck',
    reason: `nothing was sent for ${Math.floor(still / 60_000)} min, though the session is ready`,
    stuckSince: since,
  };
}

function timeOf(iso: string | null): number {
  return iso === null ? 0 : Date.parse(iso) || 0;
}

/** Places of states, and the order of names; made once, since thousands of queues are sorted at a time. */
const PLACES: ReadonlyMap<QueueState, number> = new Map(QUEUE_STATES.map((state, place) => [state, place]));
const NAMES = new Intl.Collator('en', { numeric: true });

/** The order of trouble: what an operator should look at comes first, the longest waiting before the others. */
export function compareByTrouble(one: JudgedQueue, other: JudgedQueue): number {
  const states = (PLACES.get(one.state) ?? 0) - (PLACES.get(other.state) ?? 0);
  if (states !== 0) return states;
  // ISO 8601 in UTC: the order of the texts is that of the times. Where nothing waits comes last.
  const [oldest, others] = [one.view.oldest_at ?? '~', other.view.oldest_at ?? '~'];
  if (oldest !== others) return oldest < others ? -1 : 1;
  return (
    other.view.depth - one.view.depth ||
    NAMES.compare(one.view.workspace, other.view.workspace) ||
    NAMES.compare(one.view.session, other.view.session)
  );
}

/** A queue with what is to be said of it. */
export interface JudgedQueue extends QueueJudgement {
  view: QueueView;
  status: SessionStatus | undefined;
}
