import { useCallback, useState } from 'preact/hooks';

/** Where in a list that is read page by page somebody is. */
export interface Pages {
  /** Of this page; empty on the first. */
  cursor: string;
  /** Pages before this one. */
  before: number;
  /** To the page before; null on the first. */
  previous: (() => void) | null;
  /** To the page that the list named as the next; null on the last. */
  next: (cursor: string | null) => (() => void) | null;
}

interface Turned {
  of: string;
  cursors: readonly string[];
}

/**
 * Keeps where somebody is in a list whose pages name only the next one.
 *
 * @param of which list it is: another begins at its first page
 */
export function usePages(of: string): Pages {
  const [turned, setTurned] = useState<Turned>({ of, cursors: [] });
  const cursors = turned.of === of ? turned.cursors : [];
  const turn = useCallback((to: readonly string[]) => setTurned({ of, cursors: to }), [of]);
  return {
    cursor: cursors.at(-1) ?? '',
    before: cursors.length,
    previous: cursors.length === 0 ? null : () => turn(cursors.slice(0, -1)),
    next: (cursor) => (cursor === null ? null : () => turn([...cursors, cursor])),
  };
}
