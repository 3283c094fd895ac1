import type { QueueView } from '../../fleet/queue/message-queues.ts';
import type { SessionStatus } from '../../fleet/records.ts';

/** How a session's queue gets on. */
export const QUEUE_STATES = ['stuck', 'waiting', 'limited', 'flowing', 'idle'] as const;
export type QueueState = (typeof QUEUE_STATES)[number];

/** Milliseconds without anything sent after which a queue that could go on is stuck. */
export const STUCK_AFTER = 5 * 60_000;

/** What a queue's state follows from. */
export interface QueueFacts {
  view: Pick<QueueView, 'depth' | 'delayed' | 'limited_until'>;
  /** Undefined: no instance tells of the session. */
  status: SessionStatus | undefined;
  /** Milliseconds that it was seen to have something that could go, and nothing went. */
  still: number;
}

/** A queue's state. */
export interface QueueJudgement {
  state: QueueState;
  /** What it waits for; empty where nothing is to be explained. */
  reason: string;
}

/** Where the name of a status does not say by itself what is waited for. */
const NOT_READY: Readonly<Partial<Record<SessionStatus, string>>> = {
  qr: 'waits for its QR to be scanned',
  authenticated: 'is linked, and loads',
  logged_out: 'is logged out',
};

/**
 * What is to be said of a queue:
 *
 * - `idle`: nothing in it may go now; what is for later does not count
 * - `waiting`: the session is not ready, so nothing can be sent
 * - `limited`: a limit holds its next message back
 * - `stuck`: nothing of that, and all the same nothing went for {@link STUCK_AFTER}
 * - `flowing`: it sends, or had no time to yet
 */
export function judgeQueue({ view, status, still }: QueueFacts, window = STUCK_AFTER): QueueJudgement {
  if (view.depth - view.delayed <= 0) return { state: 'idle', reason: '' };
  if (status === undefined) return { state: 'waiting', reason: 'no instance runs the session' };
  if (status !== 'ready')
    return { state: 'waiting', reason: `the session ${NOT_READY[status] ?? `is ${status}`}` };
  if (view.limited_until !== null)
    return { state: 'limited', reason: `a limit holds it until ${view.limited_until}` };
  if (still < window) return { state: 'flowing', reason: '' };
  const minutes = Math.floor(still / 60_000);
  return { state: 'stuck', reason: `nothing was sent for ${minutes} min, though the session is ready` };
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
  /** Since when nothing went, milliseconds since 1970; null where it is not stuck. */
  stuckSince: number | null;
  status: SessionStatus | undefined;
}
