import { describe, expect, it } from 'vitest';
import { type SessionStatus, sessionStatusSchema } from '../../../fleet/records.ts';
import {
  isLinking,
  isLive,
  isPassing,
  nextStatus,
  type SessionEvent,
} from '../../../instance/session/state.ts';

const EVENTS: readonly SessionEvent[] = [
  'start',
  'qr',
  'pairing',
  'authenticated',
  'ready',
  'lost',
  'logged_out',
  'fail',
  'stop',
];

const COLUMNS: Record<SessionEvent, SessionStatus> = {
  start: 'starting',
  qr: 'qr',
  pairing: 'pairing',
  authenticated: 'authenticated',
  ready: 'ready',
  lost: 'disconnected',
  logged_out: 'logged_out',
  fail: 'failed',
  stop: 'stopped',
};

/** Which events mean something in which state, in the order of {@link EVENTS}: start qr pairing authenticated ready lost logged_out fail stop. */
const MEANT: Record<SessionStatus, string> = {
  stopped: 'x......xx',
  starting: '.xxxxxxxx',
  qr: '.xxxxxxxx',
  pairing: '.xxxxxxxx',
  authenticated: '.x.xxxxxx',
  ready: '...xxxxxx',
  disconnected: 'x.....xxx',
  logged_out: 'x......xx',
  failed: 'x......xx',
  parked: 'x......xx',
};

const all = sessionStatusSchema.options.flatMap((status) =>
  EVENTS.map((event, index): [SessionStatus, SessionEvent, SessionStatus | undefined] => [
    status,
    event,
    MEANT[status][index] === 'x' ? COLUMNS[event] : undefined,
  ]),
);

describe('the states of a session', () => {
  it('are met by every event in every state', () => {
    expect(all).toHaveLength(10 * 9);
  });

  it.each(all)('%s, %s -> %s', (status, event, next) => {
    expect(nextStatus(status, event)).toBe(next);
  });

  it.each(sessionStatusSchema.options)('%s can be stopped, and started again after that', (status) => {
    const stopped = nextStatus(status, 'stop');
    expect(stopped).toBe('stopped');
    expect(nextStatus(stopped ?? status, 'start')).toBe('starting');
  });

  it('have a browser from starting to ready, and wait for a person at qr and pairing', () => {
    const states = sessionStatusSchema.options;
    expect(states.filter(isLive)).toEqual(['starting', 'qr', 'pairing', 'authenticated', 'ready']);
    expect(states.filter(isLinking)).toEqual(['qr', 'pairing']);
  });

  it('pass by themselves while it starts, synchronises, or is to be started again', () => {
    expect(sessionStatusSchema.options.filter(isPassing)).toEqual([
      'starting',
      'authenticated',
      'disconnected',
    ]);
  });
});
