import { WharfError } from '../../common/errors.ts';
import type { SessionStatus } from '../../fleet/records.ts';
import { isPassing } from './state.ts';

/** Messages can neither go nor come now: `session_not_ready`. */
export function notReady(session: string, status: SessionStatus): WharfError {
  return new WharfError(
    'session_not_ready',
    `Session ${session} is ${status}, not ready.${hintFor(status)}`,
    { ...(isPassing(status) ? { retryAfter: 5 } : {}), extra: { session_status: status } },
  );
}

/** No phone can be linked with it now: `not_awaiting_qr`. */
export function notLinking(session: string, status: SessionStatus): WharfError {
  return new WharfError(
    'not_awaiting_qr',
    `Session ${session} is ${status}: there is nothing to link.${hintFor(status)}`,
  );
}

/** What to do where a session is not as it must be; begins with a space. */
function hintFor(status: SessionStatus): string {
  if (status === 'qr' || status === 'pairing') return ' Link it first: scan its QR.';
  if (status === 'stopped' || status === 'logged_out' || status === 'failed' || status === 'parked')
    return ' Start it first.';
  return ' Try again in a moment.';
}
