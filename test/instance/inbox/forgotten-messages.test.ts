import { describe, expect, it } from 'vitest';
import { withoutForgotten } from '../../../instance/inbox/forgotten-messages.ts';
import type { Happening } from '../../../instance/whatsapp/client.ts';
import { aSeenMessage } from './seen-message.ts';

const KEY = { workspace: '7', session: 'main' };
const CHAT = '491700000002@c.us';
const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 22) / 1000;
/** Up to when the chat is told, long ago. */
const MARK = NOW - 9 * DAY;

/** Which of these messages' texts are left. */
function left(mark: number | undefined, now: number, ...messages: ReturnType<typeof aSeenMessage>[]) {
  const happened = messages.map((message): Happening => ({ kind: 'message', message }));
  const part = withoutForgotten(KEY, { chatId: CHAT, happened, count: 9, more: true }, mark, now);
  expect(part).toMatchObject({ chatId: CHAT, count: 9, more: true });
  return part.happened.map((one) => one.kind === 'message' && one.message.text);
}

const own = (digit: string, t: number, key = `3EB0${digit.repeat(18)}`) =>
  aSeenMessage(digit, { whatsapp_id: `true_${CHAT}_${key}`, from_me: true, t });

describe('messages of ours that the queue may have forgotten', () => {
  it('are left out of a history up to the mark, where they may be ours', () => {
    const messages = [
      own('A', MARK),
      own('B', MARK, '3A0000'),
      aSeenMessage('c', { t: MARK }),
      own('D', MARK + 1),
    ];
    expect(left(MARK, NOW, ...messages)).toEqual(['B', 'c', 'D']);
  });

  it('are told where the queue remembers them, and where nobody knows what was told', () => {
    expect(left(MARK, MARK + 3600, own('A', MARK))).toEqual(['A']);
    expect(left(undefined, NOW, own('A', MARK))).toEqual(['A']);
  });
});
