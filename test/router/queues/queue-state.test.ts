import { describe, expect, it } from 'vitest';
import type { QueueView } from '../../../fleet/queue/message-queues.ts';
import {
  compareByTrouble,
  type JudgedQueue,
  judgeQueue,
  type QueueFacts,
  STUCK_AFTER,
} from '../../../router/queues/queue-state.ts';
import { queueView } from '../../helpers/queue-views.ts';

/** A session ready for long, with messages that wait, and nothing sent for so many minutes. */
function facts(minutes: number, view: Partial<QueueFacts['view']> = {}, changes: Partial<QueueFacts> = {}) {
  return {
    view: queueView({ depth: 3, ...view }),
    status: 'ready' as const,
    still: minutes * 60_000,
    ...changes,
  };
}

describe("a queue's state", () => {
  it.each([
    ['idle where it is empty', facts(30, { depth: 0 }), 'idle'],
    ['idle where all of it is for later', facts(30, { depth: 5, delayed: 5 }), 'idle'],
    ['idle where it is empty and its session is not ready', facts(0, { depth: 0 }, { status: 'qr' }), 'idle'],
    ['waiting where the session is starting', facts(30, {}, { status: 'starting' }), 'waiting'],
    ['waiting where the session is logged out', facts(30, {}, { status: 'logged_out' }), 'waiting'],
    ['waiting where no instance runs the session', facts(30, {}, { status: undefined }), 'waiting'],
    ['limited while a limit holds it', facts(30, { limited_until: '2026-01-01T12:00:00.000Z' }), 'limited'],
    ['flowing where something went a moment ago', facts(0), 'flowing'],
    ['flowing where some are for later and one waits', facts(1, { delayed: 2 }), 'flowing'],
    ['stuck where nothing went for long', facts(5), 'stuck'],
  ])('is %s', (_name, given, state) => {
    expect(judgeQueue(given).state).toBe(state);
  });

  it('says why it is stuck', () => {
    expect(judgeQueue(facts(7)).reason).toBe('nothing was sent for 7 min, though the session is ready');
  });

  it.each([
    ['qr', 'the session waits for its QR to be scanned'],
    ['stopped', 'the session is stopped'],
    ['logged_out', 'the session is logged out'],
  ] as const)('says what it waits for where the session is %s', (status, reason) => {
    expect(judgeQueue(facts(0, {}, { status })).reason).toBe(reason);
  });

  it('is stuck from the end of the window on, and not a moment before', () => {
    expect(judgeQueue(facts(0, {}, { still: STUCK_AFTER - 1 })).state).toBe('flowing');
    expect(judgeQueue(facts(0, {}, { still: STUCK_AFTER })).state).toBe('stuck');
  });
});

describe('the order of trouble', () => {
  it('puts what is stuck first, then what waits longest, then the fullest', () => {
    const judged = (session: string, given: QueueFacts, view: Partial<QueueView>): JudgedQueue => ({
      ...judgeQueue(given),
      status: given.status,
      stuckSince: null,
      view: { ...queueView({ depth: 3 }), session, ...view },
    });
    const at = (minute: number) => `2026-01-01T12:0${minute}:00.000Z`;
    const sorted = [
      judged('idle', facts(0, { depth: 0 }), { depth: 0 }),
      judged('emptier', facts(0), { oldest_at: at(3), depth: 2 }),
      judged('fuller', facts(0), { oldest_at: at(3), depth: 9 }),
      judged('a2', facts(0), { oldest_at: at(4) }),
      judged('a10', facts(0), { oldest_at: at(4) }),
      judged('older', facts(0), { oldest_at: at(2) }),
      judged('waits', facts(0, {}, { status: 'qr' }), { oldest_at: at(5) }),
      judged('stuck', facts(6), { oldest_at: at(6) }),
    ].sort(compareByTrouble);
    expect(sorted.map(({ view }) => view.session)).toEqual([
      'stuck',
      'waits',
      'older',
      'fuller',
      'emptier',
      'a2',
      'a10',
      'idle',
    ]);
  });
});
