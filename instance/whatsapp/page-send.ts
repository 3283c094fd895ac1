/**
 * How a message gets WhatsApp's id from us, with the library unmodified: expressions for `page.evaluate`.
 *
 * The library draws an id in the page and calls `addAndSendMsgToChat` with it; what stands under `extra` in its options goes into that call last.
 * Our id travels there, bound to this one call of the library, in the place of the message's key. It is no key that the page could send
 * with, so a page in which this was not put in refuses the message.
 */

/** Name of the function the page asks before it lets a message go. */
export const LEAVE_CALLBACK = 'wharfMayLeave';

/** What goes into the library's `extra`, for {@link SEND_HOOK} to find. */
export function extraFor(key: string): { id: { wharfKey: string } } {
  return { id: { wharfKey: key } };
}

/**
 * Puts in, once per document, what makes a message leave under our id: the last step of a send, after media was uploaded and a link looked at.
 * There the page asks whether the message may leave, and hands it on in the turn in which it is told so. `wharfSends` tells of those that are not stored yet: `storing`,
 * or `refused` where the page threw.
 */
export const SEND_HOOK = `(() => {
  if (window.wharfSends) return;
  const sends = new Map();
  const action = window.require('WAWebSendMsgChatAction');
  const { addAndSendMsgToChat } = action;
  const keyOf = (key, chat, message) => {
    const MsgKey = window.require('WAWebMsgKey');
    const { asUserWidOrThrow } = window.require('WAWebWidFactory');
    const participant = chat.id.isGroup() ? asUserWidOrThrow(message.from) : undefined;
    return new MsgKey({ from: message.from, to: message.to, id: key, participant, selfDir: 'out' });
  };
  const leave = async (key, chat, message, more) => {
    const id = keyOf(key, chat, message);
    if (!(await window.${LEAVE_CALLBACK}(key, id._serialized))) throw new Error('Wharf took the message back');
    sends.set(key, 'storing');
    try {
      const [stored, sent] = addAndSendMsgToChat.call(action, chat, { ...message, id }, ...more);
      const result = { stored: await stored, sent };
      // From here on the history tells of it.
      sends.delete(key);
      return result;
    } catch (error) {
      sends.set(key, 'refused');
      throw error;
    }
  };
  action.addAndSendMsgToChat = (chat, message, ...more) => {
    const key = message?.id?.wharfKey;
    if (key === undefined) return addAndSendMsgToChat.call(action, chat, message, ...more);
    const left = leave(key, chat, message, more);
    const sent = left.then((result) => result.sent);
    sent.catch(() => {});
    return [left.then((result) => result.stored), sent];
  };
  window.wharfSends = sends;
})()`;

/** Shows the other side that somebody types. */
export function typingExpression(to: string): string {
  return `window.WWebJS.sendChatstate('typing', ${JSON.stringify(to)})`;
}
