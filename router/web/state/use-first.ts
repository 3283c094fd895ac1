import { useState } from 'preact/hooks';

/** The beginning of a list, and the way to the rest of it. */
export interface First<T> {
  shown: readonly T[];
  /** How many are not shown. */
  more: number;
  showAll: () => void;
}

/** Shows the first so many of a list, until somebody asks for all. */
export function useFirst<T>(items: readonly T[], limit: number): First<T> {
  const [all, setAll] = useState(false);
  const shown = all ? items : items.slice(0, limit);
  return { shown, more: items.length - shown.length, showAll: () => setAll(true) };
}
