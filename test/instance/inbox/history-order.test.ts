import { describe, expect, it } from 'vitest';
import { inOrderOfTime } from '../../../instance/inbox/history-order.ts';
import type { Happening, HistoryPart } from '../../../instance/whatsapp/client.ts';
import { aSeenMessage } from './seen-message.ts';

const at = (id: string, t: number): Happening => ({ kind: 'message', message: aSeenMessage(id, { t }) });
const edit = (id: string): Happening => ({
  kind: 'edited',
  whatsappId: id,
  chatId: 'c',
  text: id,
  editedAt: 5,
});
const reaction = (id: string): Happening => ({
  kind: 'reaction',
  whatsappId: id,
  chatId: 'c',
  from: 'f',
  emoji: '👍',
  key: id,
});
const part = (...happened: Happening[]): HistoryPart => ({ chatId: 'c', happened, count: 0, more: false });

const names = (parts: HistoryPart[]) =>
  inOrderOfTime(parts).map((one) =>
    one.kind === 'message' ? one.message.text : `${one.kind} ${'whatsappId' in one ? one.whatsappId : ''}`,
  );

describe('the order in which histories are told', () => {
  it('is that of time over all chats, and that of the page within one', () => {
    const first = part(at('a1', 10), at('a2', 30), at('a3', 30), at('a4', 50));
    const second = part(at('b1', 20), at('b2', 30), at('b3', 40));
    expect(names([first, second])).toEqual(['a1', 'b1', 'a2', 'a3', 'b2', 'b3', 'a4']);
  });

  it('lets what became of a message follow it, and reactions all of them', () => {
    const first = part(at('a1', 10), edit('a1'), at('a2', 30), reaction('a1'));
    expect(names([first, part(at('b1', 20))])).toEqual(['a1', 'edited a1', 'b1', 'a2', 'reaction a1']);
  });

  it('turns no chat round where its times go back', () => {
    expect(names([part(at('a1', 30), at('a2', 10)), part(at('b1', 20))])).toEqual(['b1', 'a1', 'a2']);
  });
});
