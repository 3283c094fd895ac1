import { useCallback, useEffect } from 'preact/hooks';
import { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/transport.ts';
import type { OwnKey } from '../api/types.ts';
import { Mark } from '../parts/icon.tsx';
import { Problem } from '../parts/problem.tsx';
import { usePoll } from '../state/use-poll.ts';
import { Login } from './login.tsx';

interface EntranceProps {
  /** A key that the address or this tab has; null: somebody must give one. */
  offered: string | null;
  /** Why somebody is here again; empty where they are not. */
  notice: string;
  onEnter: (key: string, ownKey: OwnKey) => void;
  onRefused: (why: string) => void;
}

/** Milliseconds between two tries with a key that is there, while the router is away. */
const AGAIN = 2000;

/** Finds out whose key it is, and asks for one where there is none. */
export function Entrance({ offered, notice, onEnter, onRefused }: EntranceProps) {
  if (offered === null) return <Login notice={notice} onEnter={onEnter} />;
  return <Waiting offered={offered} onEnter={onEnter} onRefused={onRefused} />;
}

/** With a key that is there already; a router that is away is waited for. */
function Waiting({ offered, onEnter, onRefused }: Omit<EntranceProps, 'notice'> & { offered: string }) {
  const load = useCallback((signal: AbortSignal) => new ApiClient(offered).ownKey(signal), [offered]);
  const { data, error } = usePoll(load, AGAIN, () => null);
  const isRefused = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    if (data !== undefined) onEnter(offered, data);
    else if (isRefused) onRefused('The router does not take this key any more. Sign in again.');
  }, [data, isRefused]);
  return (
    <main class="login">
      <div class="panel">
        <Mark />
        <h1>Wharf</h1>
        <p class="waiting">{error === null ? 'Signing in …' : 'Trying again …'}</p>
        {!isRefused && <Problem error={error} />}
      </div>
    </main>
  );
}
