import { useCallback } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/transport.ts';
import type { Backups, Fleet, OwnKey, QueueTotals, Webhook } from '../api/types.ts';
import type { ViewName } from './route.ts';
import { type Poll, usePoll } from './use-poll.ts';

/** Milliseconds between two looks at what every view shows. */
const INTERVAL = 2000;

/** At what only some views show: while it is shown, and to raise an alarm. */
const SHOWN = { webhooks: 3000, backups: 10_000 };
const ASIDE = { webhooks: 20_000, backups: 60_000 };

/** While the backup service does something that is shown. */
const RUNNING = 1500;

/** What every view shows, as of one moment. */
export interface Standing {
  /** Null for a key that may not see it: a workspace's own. */
  fleet: Fleet | null;
  /** Null where the queues cannot be read now. */
  queues: QueueTotals | null;
}

/** What the page knows, whatever view is shown. */
export interface Known {
  standing: Poll<Standing>;
  /** Undefined before the first answer; null where they cannot be read now. */
  webhooks: Poll<Webhook[] | null>;
  /** No data for a workspace's key. */
  backups: Poll<Backups | undefined>;
}

/** Keeps what every view shows fresh; what is not in view is asked for less often. `version` changes where something was done: it asks again at once. */
export function useFleet(api: ApiClient, key: OwnKey, view: ViewName, version: number): Known {
  const isAdmin = key.kind === 'admin';
  const workspace = key.workspace_id;
  const standing = useCallback(
    async (signal: AbortSignal): Promise<Standing> => {
      const [fleet, queues] = await Promise.all([
        isAdmin ? api.fleet.get(signal) : null,
        unlessAway(api.fleet.queues({ limit: '1' }, signal)),
      ]);
      return { fleet, queues: queues?.totals ?? null };
    },
    [api, isAdmin, version],
  );
  const webhooks = useCallback(
    (signal: AbortSignal) =>
      unlessAway(workspace === null ? api.webhooks.list(signal) : api.webhooks.of(workspace, signal)),
    [api, workspace, version],
  );
  const backups = useCallback(
    async (signal: AbortSignal) => (isAdmin ? await api.backups.list(signal) : undefined),
    [api, isAdmin, version],
  );
  const backupsPace = view === 'backups' ? SHOWN.backups : ASIDE.backups;
  return {
    standing: usePoll(standing, INTERVAL),
    webhooks: usePoll(webhooks, view === 'webhooks' ? SHOWN.webhooks : ASIDE.webhooks),
    backups: usePoll(backups, backupsPace, (known) =>
      known === undefined ? null : view === 'backups' && isBusy(known) ? RUNNING : backupsPace,
    ),
  };
}

/** Whether the backup service does something now. */
function isBusy({ list, restores }: Backups): boolean {
  return list.running !== null || restores.some(({ state }) => state === 'running' || state === 'undoing');
}

/** Null where Redis, which knows it, is away: the rest of the page goes on. */
export async function unlessAway<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return null;
    throw error;
  }
}
