import { describe, expect, it } from 'vitest';
import { chatOf, messageIdOf, newMessageId, whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';

const session = { workspace: '7', session: 'main' };

describe('a serialized WhatsApp id', () => {
  it('tells the chat, also of a group', () => {
    expect(chatOf('true_491701234567@c.us_3EB0AA')).toBe('491701234567@c.us');
    expect(chatOf('false_120363000000000001@g.us_3EB0AA_491701234567@c.us')).toBe('120363000000000001@g.us');
  });

  it.each(['', '3EB0AA'])('tells no chat where it is %j', (text) => {
    expect(chatOf(text)).toBeUndefined();
  });

  it('leads back to the message it was made of, and only of what was sent', () => {
    const message = newMessageId(session);
    const key = whatsappKeyOf(message);
    expect(messageIdOf(session, `true_491701234567@c.us_${key}`)).toBe(message);
    expect(messageIdOf(session, `false_491701234567@c.us_${key}`)).toBeUndefined();
    expect(messageIdOf(session, 'true_491701234567@c.us_3EB0AA')).toBeUndefined();
  });
});
