/** How a message that waits for its ack stands. Times in milliseconds. */
export interface Waiting {
  /** Since it was handed over, or since its browser was started anew for its sake. */
  waited: number;
  /** Whether the page says that it is connected. */
  connected: boolean;
  /** Times a browser was started anew for its sake. */
  renewals: number;
  /** Messages before it that were given up, with none acknowledged since. */
  givenUpBefore: number;
  /** Since it was handed to a page first, over all lives. */
  underWay: number;
}

/** How long an ack may take before something is done, and how long a message may be under way at all. */
export interface AckPatience {
  patience: number;
  /** Between two new browsers for the same message, after the first. */
  between: number;
  end: number;
}

export const ACK_PATIENCE = { patience: 2 * 60_000, between: 30 * 60_000 };

/**
 * What to do for a message without an ack. A page that says that it is connected may keep messages pending for ever (facts file, 12): its browser is started anew, which makes it send
 * again what it has stored. Helps that not, the message is given up as unknown, once: where the one after it gets no ack either it is not the message but the
 * session, whose queue then waits, with an alarm, rather than be handed message by message to a page that sends none.
 */
export function lateStep(waiting: Waiting, limits: AckPatience): 'wait' | 'renew' | 'give_up' {
  if (waiting.underWay >= limits.end) return 'give_up';
  // A page without a connection sends by itself when it has one again.
  if (!waiting.connected || waiting.waited < limits.patience) return 'wait';
  if (waiting.renewals === 0) return 'renew';
  if (waiting.givenUpBefore === 0) return 'give_up';
  return waiting.waited >= limits.between ? 'renew' : 'wait';
}
