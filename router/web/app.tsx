import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { ApiClient } from './api/client.ts';
import type { OwnKey } from './api/types.ts';
import { Dashboard } from './shell/dashboard.tsx';
import { Entrance } from './shell/entrance.tsx';
import { carriesKey, forgetKey, keepKey, takeKey } from './state/key.ts';

/** Who is in: whose key it is is known from here on. */
interface Entered {
  key: string;
  ownKey: OwnKey;
}

/** The page: a login, and behind it the fleet. The address stays as it is, so that a login leads where somebody wanted to go. */
export function App({ initialKey }: { initialKey: string | null }) {
  const [entered, setEntered] = useState<Entered | null>(null);
  const [offered, setOffered] = useState(initialKey);
  const [notice, setNotice] = useState('');
  const api = useMemo(() => (entered === null ? null : new ApiClient(entered.key)), [entered]);
  const leave = useCallback((why: string) => {
    forgetKey(sessionStorage);
    setNotice(why);
    setOffered(null);
    setEntered(null);
  }, []);
  const enter = useCallback((key: string, ownKey: OwnKey) => {
    keepKey(sessionStorage, key);
    setEntered({ key, ownKey });
  }, []);
  useEffect(() => {
    // Pasted into a tab that shows the page already, such an address loads nothing anew.
    const look = () => {
      if (!carriesKey(location)) return;
      setNotice('');
      setEntered(null);
      setOffered(takeKey(location, history, sessionStorage));
    };
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  if (entered === null || api === null)
    return <Entrance offered={offered} notice={notice} onEnter={enter} onRefused={leave} />;
  return <Dashboard api={api} ownKey={entered.ownKey} onLeave={leave} />;
}
