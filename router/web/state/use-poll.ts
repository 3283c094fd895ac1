import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** What a poll knows. */
export interface Poll<T> {
  /** The last good answer. */
  data: T | undefined;
  /** Why the last try failed; null once one succeeds. */
  error: Error | null;
  /** Asks now, and then goes on. */
  refresh: () => void;
}

/** Milliseconds between two tries at most, however many have failed. */
const LONGEST_WAIT = 30_000;

/**
 * Asks again and again: `interval` milliseconds after each answer, more slowly (doubling, up to 30 s) while answers fail, and not at all while
 * the page is hidden. A new `load` begins anew at once; give a stable one (useCallback).
 *
 * @param pace milliseconds until the next question, by the last answer, instead of `interval`; null: no other is needed
 */
export function usePoll<T>(
  load: (signal: AbortSignal) => Promise<T>,
  interval: number,
  pace: (answer: T) => number | null = () => interval,
): Poll<T> {
  const paceOf = useRef(pace);
  paceOf.current = pace;
  const [data, setData] = useState<T>();
  const [error, setError] = useState<Error | null>(null);
  const wake = useRef<() => void>(() => undefined);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const run = async () => {
      let failures = 0;
      let next = interval;
      while (!signal.aborted) {
        try {
          const answer = await load(signal);
          if (signal.aborted) return;
          failures = 0;
          setData(() => answer);
          setError(null);
          const wanted = paceOf.current(answer);
          if (wanted === null) return;
          next = wanted;
        } catch (reason) {
          if (signal.aborted) return;
          failures += 1;
          setError(reason instanceof Error ? reason : new Error(String(reason)));
        }
        const woken = new Promise<void>((resolve) => {
          wake.current = resolve;
        });
        await Promise.race([woken, pause(Math.min(next * 2 ** failures, LONGEST_WAIT), signal)]);
        await visible(signal);
      }
    };
    run();
    return () => controller.abort();
  }, [load, interval]);
  const refresh = useCallback(() => wake.current(), []);
  return { data, error, refresh };
}

/** Resolves after so many milliseconds, or when aborted. Leaves no listener behind: a page may be open for weeks. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}

/** Resolves when the page can be seen, or when aborted. */
function visible(signal: AbortSignal): Promise<void> {
  if (!document.hidden || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
  });
}
