import { useCallback } from 'preact/hooks';
import type { MessageView } from '../../../fleet/queue/outgoing.ts';
import type { ApiClient } from '../api/client.ts';
import { usePoll } from './use-poll.ts';

/** Milliseconds between two looks: while it is on its way, and when only its delivery can still come. */
const SOON = 700;
const LATER = 5000;

/** A message that was handed in, and what became of it so far. */
export interface FollowedMessage {
  id: string;
  /** Undefined before the first answer. */
  view: MessageView | undefined;
  error: Error | null;
}

/** Follows a message until nothing more can become of it; null: there is none. */
export function useMessage(api: ApiClient, id: string | null): FollowedMessage | null {
  const load = useCallback(
    async (signal: AbortSignal): Promise<MessageView | undefined> =>
      id === null ? undefined : await api.message(id, signal),
    [api, id],
  );
  const { data, error } = usePoll(load, LATER, (known) => paceOf(id, known));
  if (id === null) return null;
  return { id, view: data?.message_id === id ? data : undefined, error };
}

/** Milliseconds until the next look; null: there is nothing more to see. */
function paceOf(id: string | null, view: MessageView | undefined): number | null {
  if (id === null) return null;
  const status = view?.status;
  if (status === 'read' || status === 'failed') return null;
  return status === 'sent' || status === 'delivered' || status === 'unknown' ? LATER : SOON;
}
