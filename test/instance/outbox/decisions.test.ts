import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, WharfError } from '../../../common/errors.ts';
import { ACK_PATIENCE, lateStep, type Waiting } from '../../../instance/outbox/late-ack.ts';
import { recover } from '../../../instance/outbox/recovery.ts';
import { typingTime } from '../../../instance/outbox/typing.ts';
import { faultOf, isBrowsersEnd, verdictOf } from '../../../instance/outbox/verdict.ts';
import type { Fate } from '../../../instance/whatsapp/client.ts';

describe('a message that may have left', () => {
  const present = (ack: number): Fate => ({ kind: 'present', whatsappId: 'w', ack });
  it.each([
    ['stored, not acknowledged', present(0), 'report', 1, { kind: 'await', whatsappId: 'w' }],
    [
      'stored, not acknowledged, whatever is wanted',
      present(0),
      'resend',
      9,
      { kind: 'await', whatsappId: 'w' },
    ],
    ['with the server', present(1), 'report', 1, { kind: 'settled', whatsappId: 'w', ack: 1 }],
    ['read', present(3), 'resend', 1, { kind: 'settled', whatsappId: 'w', ack: 3 }],
    ['refused by the server', present(-1), 'resend', 1, { kind: 'settled', whatsappId: 'w', ack: -1 }],
    ['being stored', { kind: 'storing' }, 'resend', 1, { kind: 'ask_again' }],
    ['refused by this very page', { kind: 'refused' }, 'report', 1, { kind: 'not_left' }],
    ['not in the history', { kind: 'absent' }, 'report', 1, { kind: 'unknown' }],
    ['not in the history, to be sent again', { kind: 'absent' }, 'resend', 2, { kind: 'resend' }],
    ['not in the history, sent again often enough', { kind: 'absent' }, 'resend', 3, { kind: 'unknown' }],
  ] as const)('is judged by the history: %s', (_what, fate, policy, attempts, expected) => {
    expect(recover(fate, policy, attempts, 3)).toEqual(expected);
  });
});

describe('a message without an ack', () => {
  const limits = { ...ACK_PATIENCE, end: 86_400_000 };
  const minute = 60_000;
  const fresh: Waiting = { waited: 0, connected: true, renewals: 0, givenUpBefore: 0, underWay: 0 };
  it.each([
    ['is waited for at first', {}, 'wait'],
    ['gets a new browser after two minutes', { waited: 2 * minute }, 'renew'],
    ['is waited for while there is no connection', { waited: 60 * minute, connected: false }, 'wait'],
    ['is waited for again with the new browser', { waited: minute, renewals: 1 }, 'wait'],
    ['is given up when that did not help', { waited: 2 * minute, renewals: 1 }, 'give_up'],
    [
      'is not given up where the one before it was',
      { waited: 2 * minute, renewals: 1, givenUpBefore: 1 },
      'wait',
    ],
    ['then gets a new browser now and then', { waited: 30 * minute, renewals: 1, givenUpBefore: 1 }, 'renew'],
    ['ends after a day in any case', { underWay: 86_400_000, connected: false }, 'give_up'],
  ] as const)('%s', (_what, changes, step) => {
    expect(lateStep({ ...fresh, ...changes }, limits)).toBe(step);
  });
});

describe('an error of a try', () => {
  it.each([
    ['recipient_not_on_whatsapp', 'failed'],
    ['media_refused', 'failed'],
    ['media_too_large', 'failed'],
    ['media_not_found', 'failed'],
    ['message_not_found', 'failed'],
    ['media_unreachable', 'again'],
    ['send_failed', 'again'],
    ['internal', 'again'],
    ['session_not_ready', 'hold'],
    ['browser_failed', 'hold'],
    ['timeout', 'again'],
    ['ownership_unproved', 'hold'],
    ['not_owner', 'hold'],
    ['queue_unavailable', 'hold'],
    ['storage_unavailable', 'hold'],
    ['send_unknown', 'ask'],
  ] as const)('%s: %s', (code, verdict) => {
    expect(verdictOf(new WharfError(code, 'x'))).toBe(verdict);
  });

  it('may pass where nobody knows what it is, and says so without its stack', () => {
    expect(verdictOf(new TypeError('x is not a function'))).toBe('again');
    expect(faultOf(new TypeError('x is not a function'))).toEqual({
      code: 'send_failed',
      detail: 'It could not be sent: x is not a function',
    });
    expect(faultOf(new WharfError('media_refused', 'no'))).toEqual({ code: 'media_refused', detail: 'no' });
  });

  it('is the end of a browser in two cases alone', () => {
    const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) =>
      isBrowsersEnd(new WharfError(code, 'x')),
    );
    expect(codes.sort()).toEqual(['browser_failed', 'timeout']);
  });
});

describe('typing', () => {
  it('takes longer for longer texts, up to a bound', () => {
    expect(typingTime('')).toBeLessThan(1000);
    expect(typingTime('x'.repeat(50))).toBeGreaterThan(typingTime('x'.repeat(10)));
    expect(typingTime('x'.repeat(65_536))).toBe(8000);
  });
});
