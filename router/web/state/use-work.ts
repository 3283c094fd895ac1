import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** One thing at a time that takes a while and may fail. */
export interface Work {
  busy: boolean;
  error: Error | null;
  /** Does it; what it throws becomes `error`. Ignored while busy. */
  work: (task: () => Promise<void>) => void;
}

/** Runs what a button asks for, and tells whether it goes on and why it failed. */
export function useWork(): Work {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const running = useRef(false);
  const mounted = useRef(true);
  useEffect(
    () => () => {
      mounted.current = false;
    },
    [],
  );
  const work = useCallback(async (task: () => Promise<void>) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(null);
    try {
      await task();
    } catch (reason) {
      if (mounted.current) setError(reason instanceof Error ? reason : new Error(String(reason)));
    } finally {
      running.current = false;
      if (mounted.current) setBusy(false);
    }
  }, []);
  return { busy, error, work };
}
