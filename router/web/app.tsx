import { useCallback, useMemo, useState } from 'preact/hooks';
import { ApiClient } from './api/client.ts';
import { Dashboard } from './components/dashboard.tsx';
import { Login } from './components/login.tsx';
import { forgetKey, keepKey } from './state/key.ts';

/** The page: a login, and behind it the fleet. */
export function App({ initialKey }: { initialKey: string | null }) {
  const [key, setKey] = useState(initialKey);
  const [notice, setNotice] = useState('');
  const api = useMemo(() => (key === null ? null : new ApiClient(key)), [key]);
  const leave = useCallback((why: string) => {
    forgetKey(sessionStorage);
    setNotice(why);
    setKey(null);
  }, []);
  const enter = useCallback((entered: string) => {
    keepKey(sessionStorage, entered);
    setNotice('');
    setKey(entered);
  }, []);
  if (api === null) return <Login notice={notice} onKey={enter} />;
  return <Dashboard api={api} onLeave={leave} />;
}
