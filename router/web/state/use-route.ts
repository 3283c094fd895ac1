import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { parseRoute, type Route, routeHash, type ViewName } from './route.ts';

/** Where somebody is, and the way to elsewhere. */
export interface Place {
  route: Route;
  /** Narrows the view down, without a step of its own in the browser's history; empty values take a filter away. */
  narrow: (query: Record<string, string>) => void;
  /** Leaves what is open in the view, and stays in the view. */
  close: () => void;
}

/** Follows the address after `#`. */
export function useRoute(views: readonly ViewName[]): Place {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const look = () => setHash(location.hash);
    // It may have changed before this listened.
    look();
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  const route = useMemo(() => parseRoute(hash, views), [hash, views]);
  const { view, open, query } = route;
  const replace = useCallback((next: string) => {
    history.replaceState(null, '', next);
    setHash(next);
  }, []);
  const narrow = useCallback(
    (changes: Record<string, string>) => replace(routeHash(view, open, { ...query, ...changes })),
    [replace, view, open, query],
  );
  const close = useCallback(() => replace(routeHash(view, [], query)), [replace, view, query]);
  return { route, narrow, close };
}
