import { useCallback } from 'preact/hooks';
import type { SessionStatus } from '../../../fleet/records.ts';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/transport.ts';
import type { QrCode, SessionName } from '../api/types.ts';
import { usePoll } from './use-poll.ts';

/** Milliseconds between two looks: a new code is shown, and a scan seen, within about a second. */
const INTERVAL = 1000;

/** How far the linking of a session has come. */
export interface Linking {
  /** Undefined before the first answer. */
  status: SessionStatus | undefined;
  phone: string | null;
  /** The code to scan now, where there is one. */
  code: QrCode | null;
  error: Error | null;
}

/** Follows a session while it is being linked. */
export function useLinking(api: ApiClient, { workspace_id, session_id }: SessionName): Linking {
  const load = useCallback(
    async (signal: AbortSignal) => {
      const name = { workspace_id, session_id };
      const detail = await api.session(name, signal);
      const code =
        detail.status === 'qr' || detail.status === 'pairing' ? await codeOf(api, name, signal) : null;
      return { status: detail.status, phone: detail.phone_number, code };
    },
    [api, workspace_id, session_id],
  );
  const { data, error } = usePoll(load, INTERVAL);
  return { status: data?.status, phone: data?.phone ?? null, code: data?.code ?? null, error };
}

/** The code, or null when it was scanned between the two questions. */
async function codeOf(api: ApiClient, name: SessionName, signal: AbortSignal): Promise<QrCode | null> {
  try {
    return await api.qr(name, signal);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_awaiting_qr') return null;
    throw error;
  }
}
