import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type ApiClient, ApiError } from '../api/client.ts';
import type { Fleet, FleetEvent, Move, Queues, Session, Totals, Webhook } from '../api/types.ts';
import { changesText } from './status.ts';
import { type Poll, usePoll } from './use-poll.ts';

/** Milliseconds between two looks. */
const INTERVAL = 2000;

/** What the page shows, as of one moment. */
export interface View {
  sessions: Session[];
  /** Whether the router has more sessions than were asked for. */
  more: boolean;
  /** Null for a key that may not see the fleet: a workspace's own. */
  fleet: Fleet | null;
  /** Null where the key may not see the fleet, or Redis is away. */
  moves: Move[] | null;
  events: FleetEvent[];
  /** Null where the queues cannot be read now. */
  queues: Queues | null;
  /** Null where the key may not see them, or they cannot be read now. */
  webhooks: Webhook[] | null;
  totals: Totals;
  /** When it was asked, milliseconds since 1970. */
  at: number;
}

/** Which sessions are shown; empty means all. */
export interface Filter {
  workspace: string;
  status: string;
}

/** Keeps the view fresh, and puts changes of status into words. */
export function useFleet(
  api: ApiClient,
  filter: Filter,
  wanted: { sessions: number; queues: number },
): Poll<View> & { changes: string } {
  const load = useCallback(
    async (signal: AbortSignal): Promise<View> => {
      const query = {
        ...(filter.workspace === '' ? {} : { workspace_id: filter.workspace }),
        ...(filter.status === '' ? {} : { status: filter.status }),
      };
      const [page, fleet, totals, queues] = await Promise.all([
        api.sessions(query, wanted.sessions, signal),
        allowed(api.fleet(signal)),
        allowed(api.totals(signal)),
        known(api.queues(wanted.queues, signal)),
      ]);
      const [moves, events, webhooks] =
        fleet === null
          ? [null, [], null]
          : await Promise.all([
              known(api.moves(signal)),
              allowed(api.events(signal)),
              known(api.webhooks(signal)),
            ]);
      return {
        ...page,
        fleet,
        moves,
        events: events ?? [],
        queues,
        webhooks,
        totals: totals ?? count(page.sessions),
        at: Date.now(),
      };
    },
    [api, filter.workspace, filter.status, wanted.sessions, wanted.queues],
  );
  const poll = usePoll(load, INTERVAL);
  const before = useRef<Session[]>([]);
  const [changes, setChanges] = useState('');
  const sessions = poll.data?.sessions;
  useEffect(() => {
    if (sessions === undefined) return;
    const text = changesText(before.current, sessions);
    before.current = sessions;
    if (text !== '') setChanges(text);
  }, [sessions]);
  return { ...poll, changes };
}

/** Totals of what is listed: all there is to go by for a workspace's own key. */
function count(sessions: readonly Session[]): Totals {
  const totals: Totals = {};
  for (const { status } of sessions) totals[status] = (totals[status] ?? 0) + 1;
  return totals;
}

/** Null where the key may not see this: 403, or 404 where it is not to know that it exists. */
async function allowed<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return null;
    throw error;
  }
}

/** Null where Redis, which knows it, is away: the rest of the page goes on. */
async function known<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return null;
    throw error;
  }
}
