import type { Priority } from './outgoing.ts';

/** At most `count` messages in any `window` milliseconds; a count of 0 is no limit. */
export interface SendLimit {
  count: number;
  window: number;
}

/** The limits a message must fit in before it is sent: its session's, its workspace's for its priority, and the whole fleet's. */
export interface SendLimits {
  session: SendLimit;
  workspace: Record<Priority, SendLimit>;
  global: SendLimit;
}

const NONE: SendLimit = { count: 0, window: 60_000 };

/** Nothing is limited. */
export const NO_LIMITS: SendLimits = {
  session: NONE,
  workspace: { critical: NONE, high: NONE, normal: NONE, low: NONE },
  global: NONE,
};
