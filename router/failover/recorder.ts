import type { Move } from '../../fleet/coordination.ts';

/** Counts what the failover does. */
export interface FailoverRecorder {
  /** A workspace was taken over. */
  tookOver(): void;
  /** A move ended. */
  moveEnded(reason: Move['reason'], outcome: 'done' | 'failed'): void;
  /** A session of a workspace that was taken over is ready again, so many milliseconds after its instance's death was noticed. */
  readyAgain(milliseconds: number): void;
}
