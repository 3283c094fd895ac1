import type { SessionStatus } from '../../fleet/records.ts';

/**
 * A session's life.
 *
 *     stopped ──start──> starting ──qr──> qr ──────authenticated──┐
 *                         │  │  └─pairing─> pairing ─authenticated─┤
 *                         │  └────────────authenticated────────────┴─> authenticated ──ready──> ready
 *
 * | state | means | ways out |
 * |---|---|---|
 * | `stopped` | should not run; nothing runs | start |
 * | `starting` | waits for its turn to start, or its browser starts | qr, pairing, authenticated, ready; lost; failed |
 * | `qr` | shows a QR to scan | qr (it rotates), pairing (a code was asked for), authenticated, ready; lost |
 * | `pairing` | a pairing code was given out | qr (given up), authenticated, ready; lost |
 * | `authenticated` | linked; chats are being synchronised | ready; qr (the link was refused); lost; logged_out |
 * | `ready` | messages go and come | lost; logged_out; authenticated (the page loaded itself anew) |
 * | `disconnected` | its browser is gone or useless; another start is due after a back-off | start |
 * | `logged_out` | the device was removed; the profile is in the trash | start (a new link) |
 * | `failed` | cannot be started until somebody changes something (a profile of a newer Chromium, an unwritable storage) | start |
 * | `parked` | closed to save memory, started again by a message or a timer | start |
 *
 * From every state `stop` leads to `stopped`.
 */
export type SessionEvent =
  | 'start'
  | 'qr'
  | 'pairing'
  | 'authenticated'
  | 'ready'
  | 'lost'
  | 'logged_out'
  | 'fail'
  | 'stop';

const LIVE: Partial<Record<SessionEvent, SessionStatus>> = {
  lost: 'disconnected',
  logged_out: 'logged_out',
  fail: 'failed',
  stop: 'stopped',
};
const LINKING: Partial<Record<SessionEvent, SessionStatus>> = {
  ...LIVE,
  qr: 'qr',
  pairing: 'pairing',
  authenticated: 'authenticated',
  ready: 'ready',
};
const AT_REST: Partial<Record<SessionEvent, SessionStatus>> = {
  start: 'starting',
  stop: 'stopped',
  fail: 'failed',
};

const TRANSITIONS: Record<SessionStatus, Partial<Record<SessionEvent, SessionStatus>>> = {
  stopped: AT_REST,
  starting: LINKING,
  qr: LINKING,
  pairing: LINKING,
  authenticated: LINKING,
  ready: { ...LIVE, authenticated: 'authenticated', ready: 'ready' },
  disconnected: { ...AT_REST, logged_out: 'logged_out' },
  logged_out: AT_REST,
  failed: AT_REST,
  parked: AT_REST,
};

/** The state an event leads to, or undefined where the event means nothing in that state (it came late, from a browser that is gone). */
export function nextStatus(status: SessionStatus, event: SessionEvent): SessionStatus | undefined {
  return TRANSITIONS[status][event];
}

/** True for the states in which a browser runs or is about to. */
export function isLive(status: SessionStatus): boolean {
  return (
    status === 'starting' ||
    status === 'qr' ||
    status === 'pairing' ||
    status === 'authenticated' ||
    status === 'ready'
  );
}

/** True for the states in which a session waits for a person to link it. */
export function isLinking(status: SessionStatus): boolean {
  return status === 'qr' || status === 'pairing';
}
