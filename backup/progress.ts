/** How far something has come. */
export interface Progress {
  done: number;
  /** Null: not known yet. */
  total: number | null;
}

/** Milliseconds before which a guess of the time left would be noise. */
const TOO_EARLY = 2000;

/**
 * Seconds that are left, if the rest takes as long for each as what is done; null where nothing tells.
 *
 * @param elapsed milliseconds since it began
 */
export function secondsLeft({ done, total }: Progress, elapsed: number): number | null {
  if (total === null) return null;
  if (done >= total) return 0;
  if (done === 0 || elapsed < TOO_EARLY) return null;
  return Math.ceil(((total - done) * elapsed) / done / 1000);
}
