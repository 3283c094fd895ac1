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
 * | `starting` | waits for its turn to start, or its browser starts | qr, pairing, authenticated, ready |
 * | `qr` | shows a QR to scan | qr (it rotates), pairing (a code was asked for), authenticated, ready |
 * | `pairing` | a pairing code was given out | pairing (another), qr (given up), authenticated, ready |
 * | `authenticated` | linked; chats are being synchronised | authenticated, qr (the link was refused), ready |
 * | `ready` | messages go and come | ready, authenticated (the page loaded itself anew) |
 * | `disconnected` | its browser is gone or useless; another start is due after a back-off | start, logged_out, fail |
 * | `logged_out` | the device was removed; the profile is in the trash | start (a new link), fail |
 * | `failed` | cannot be started until somebody changes something (a profile of a newer Chromium) | start, fail |
 * | `parked` | closed to save memory, started again by a message or a timer | start, fail |
 *
 * `stopped` also takes fail. From every state `stop` leads to `stopped`; from every live one (`starting` to `ready`) lost leads to
 * `disconnected`, logged_out to `logged_out`, fail to `failed`. All else means nothing there, and changes nothing.
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
const LINKED: Partial<Record<SessionEvent, SessionStatus>> = {
  ...LIVE,
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
  // A pairing code that is answered late is of no use to one who has linked by QR meanwhile.
  authenticated: { ...LINKED, qr: 'qr' },
  ready: LINKED,
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

/** True for the states that pass by themselves: nobody need do anything for the session to be ready again. */
export function isPassing(status: SessionStatus): boolean {
  return status === 'starting' || status === 'authenticated' || status === 'disconnected';
}

/** True for the states in which a session waits for a person to link it. */
export function isLinking(status: SessionStatus): boolean {
  return status === 'qr' || status === 'pairing';
}
