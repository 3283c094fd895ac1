import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { historyExpression, parseHistory } from '../../../instance/whatsapp/page-history.ts';

const GOOD = '491700000002@c.us';
const BAD = '491700000003@c.us';

/** A page with one message in each chat, which cannot load one of the chats, nor find reactions. */
function brokenPage() {
  const message = (chat: string) => ({
    id: { _serialized: `false_${chat}_AAA`, fromMe: false, remote: chat },
    from: chat,
    type: 'chat',
    body: `of ${chat}`,
    t: 10,
    hasReaction: true,
  });
  const modules: Record<string, unknown> = {
    WAWebCollections: {
      Chat: { get: (id: string) => ({ id, msgs: { getModelsArray: () => [message(id)] } }) },
      Reactions: { find: () => Promise.reject(new Error('no such table')) },
    },
    WAWebChatLoadMessages: {
      loadEarlierMsgs: async ({ chat }: { chat: { id: string } }) => {
        if (chat.id === BAD) throw new TypeError("reading 'waitForChatLoading'");
        return [];
      },
    },
  };
  return { window: { require: (name: string) => modules[name] } };
}

describe('the histories of chats', () => {
  it('are told of all chats but the one that the page fails at', async () => {
    const queries = [BAD, GOOD].map((chatId) => ({ chatId, after: 5, skip: 0 }));
    const answer = await runInNewContext(historyExpression(queries), brokenPage());
    const [bad, good] = parseHistory(JSON.parse(JSON.stringify(answer)), () => false);
    expect(bad).toMatchObject({ chatId: BAD, happened: [], count: 0, more: false });
    expect(bad?.fault).toContain('waitForChatLoading');
    expect(good).toMatchObject({ chatId: GOOD, count: 1, fault: undefined });
    expect(good?.happened).toMatchObject([{ kind: 'message', message: { text: `of ${GOOD}` } }]);
  });
});
