import { type ErrorCode, messageOf, WharfError } from '../../common/errors.ts';
import type { MessageFault } from '../../fleet/queue/outgoing.ts';

/**
 * What an error means for the message that was to be sent. `failed`: no other try will do better. `again`: it may pass, and another try is made. `hold`: it is the session, the storage or
 * Redis that cannot now, which is not the message's fault. `ask`: it may have left, and the session's history is asked.
 */
export type Verdict = 'failed' | 'again' | 'hold' | 'ask';

const VERDICTS: Partial<Record<ErrorCode, Verdict>> = {
  recipient_not_on_whatsapp: 'failed',
  media_refused: 'failed',
  media_too_large: 'failed',
  media_not_found: 'failed',
  message_not_found: 'failed',
  invalid_request: 'failed',
  unsupported_media_type: 'failed',
  session_not_ready: 'hold',
  browser_failed: 'hold',
  not_owner: 'hold',
  ownership_unproved: 'hold',
  queue_unavailable: 'hold',
  redis_unavailable: 'hold',
  storage_unavailable: 'hold',
  shutting_down: 'hold',
  send_unknown: 'ask',
};

/** Tells errors of a try apart. What is not known may pass, and so may a time-out, where the page answers other questions. */
export function verdictOf(error: unknown): Verdict {
  return (error instanceof WharfError ? VERDICTS[error.code] : undefined) ?? 'again';
}

/** True where it was the browser that broke or fell silent: a message that does that to every browser is poison. */
export function isBrowsersEnd(error: unknown): boolean {
  return error instanceof WharfError && (error.code === 'browser_failed' || error.code === 'timeout');
}

/** An error as a message's state carries it. */
export function faultOf(error: unknown): MessageFault {
  if (error instanceof WharfError) return { code: error.code, detail: error.message };
  return { code: 'send_failed', detail: `It could not be sent: ${messageOf(error)}` };
}
