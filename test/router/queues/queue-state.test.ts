import { describe, expect, it } from 'vitest';
import {
  compareByTrouble,
  judgeQueue,
  type QueueFacts,
  STUCK_AFTER,
} from '../../../router/queues/queue-state.ts';
import { queueView } from '../../helpers/queue-views.ts';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

/** A session ready for long, with a message that has waited for long. */
function facts(view: Partial<QueueFacts['view']> = {}, changes: Partial<QueueFacts> = {}): QueueFacts {
  return {
    view: queueView({ depth: 3, oldest_at: minutesAgo(30), ...view }),
    status: 'ready',
    readySince: NOW - 3_600_000,
    now: NOW,
    ...changes,
  };
}

describe("a queue's state", () => {
  it.each([
    ['idle where it is empty', facts({ depth: 0, oldest_at: null }), 'idle'],
    ['idle where all of it is for later', facts({ depth: 5, delayed: 5, oldest_at: null }), 'idle'],
    ['idle where it is empty and its session is not ready', facts({ depth: 0 }, { status: 'qr' }), 'idle'],
    ['waiting where the session is starting', facts({}, { status: 'starting' }), 'waiting'],
    ['waiting where the session is logged out', facts({}, { status: 'logged_out' }), 'waiting'],
    ['waiting where no instance runs the session', facts({}, { status: undefined }), 'waiting'],
    ['limited while a limit holds it', facts({ limited_until: minutesAgo(-1) }), 'limited'],
    ['flowing where the limit has just ended', facts({ limited_until: minutesAgo(1) }), 'flowing'],
    ['stuck where the limit ended long ago', facts({ limited_until: minutesAgo(6) }), 'stuck'],
    ['stuck where nothing was ever sent', facts(), 'stuck'],
    ['stuck where the last was sent long ago', facts({ last_sent_at: minutesAgo(5) }), 'stuck'],
    ['flowing where one was just sent', facts({ last_sent_at: minutesAgo(4) }), 'flowing'],
    ['flowing where the oldest has just come', facts({ oldest_at: minutesAgo(1) }), 'flowing'],
    [
      'flowing where some are for later and one is new',
      facts({ delayed: 2, oldest_at: minutesAgo(1) }),
      'flowing',
    ],
    ['flowing where the session has just become ready', facts({}, { readySince: NOW - 60_000 }), 'flowing'],
    ['flowing where a time cannot be in the past', facts({ oldest_at: minutesAgo(-60) }), 'flowing'],
  ] as const)('is %s', (_name, given, state) => {
    expect(judgeQueue(given).state).toBe(state);
  });

  it('says since when it is stuck, and why', () => {
    expect(judgeQueue(facts({ last_sent_at: minutesAgo(7) }))).toEqual({
      state: 'stuck',
      reason: 'nothing was sent for 7 min, though the session is ready',
      stuckSince: NOW - 7 * 60_000,
    });
  });

  it('is stuck from the end of the window on, and not a moment before', () => {
    const since = (age: number) => facts({ oldest_at: new Date(NOW - age).toISOString() });
    expect(judgeQueue(since(STUCK_AFTER - 1)).state).toBe('flowing');
    expect(judgeQueue(since(STUCK_AFTER)).state).toBe('stuck');
  });
});

describe('the order of trouble', () => {
  it('puts what is stuck first, then what waits longest, then the fullest', () => {
    const judged = (name: string, given: QueueFacts) => ({
      ...judgeQueue(given),
      status: given.status,
      view: { ...queueView({}), ...given.view, session: name },
    });
    const sorted = [
      judged('idle', facts({ depth: 0, oldest_at: null })),
      judged('fuller', facts({ oldest_at: minutesAgo(2), depth: 9 })),
      judged('emptier', facts({ oldest_at: minutesAgo(2), depth: 2 })),
      judged('older', facts({ oldest_at: minutesAgo(3) })),
      judged('waits', facts({}, { status: 'qr' })),
      judged('stuck', facts()),
    ].sort(compareByTrouble);
    expect(sorted.map(({ view }) => view.session)).toEqual([
      'stuck',
      'waits',
      'older',
      'fuller',
      'emptier',
      'idle',
    ]);
  });
});
