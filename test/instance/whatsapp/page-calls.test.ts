import { describe, expect, it } from 'vitest';
import type { ClientAuthority } from '../../../instance/whatsapp/client.ts';
import { PageCalls } from '../../../instance/whatsapp/page-calls.ts';
import type { HookedClient } from '../../../instance/whatsapp/whatsapp-web-js.ts';

/** Calls into a page whose every answer is this error: what a browser that is closed under a read makes of it cannot be timed with a real one. */
function callsThatFail(message: string): PageCalls {
  const fail = () => Promise.reject(new Error(message));
  const client = { getChats: fail, getContacts: fail, getChatById: fail, getNumberId: fail };
  const timeouts = { start: 1000, stop: 1000, ping: 1000, read: 1000, send: 1000 };
  return new PageCalls(client as unknown as HookedClient, 'main', {} as ClientAuthority, timeouts);
}

const reads: [string, (calls: PageCalls) => Promise<unknown>][] = [
  ['chats', (calls) => calls.chats(10)],
  ['contacts', (calls) => calls.contacts(10)],
  ['messages', (calls) => calls.messages('1@c.us', 10)],
  ['number', (calls) => calls.number('491701234567')],
];

describe('a read of a page that is closed under it', () => {
  it.each(reads)(
    'is told of as a failure of the browser, which may be tried again: %s',
    async (_name, read) => {
      const error = await read(callsThatFail('Protocol error (Runtime.callFunctionOn): Target closed')).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: 'browser_failed', status: 502 });
    },
  );

  it('is no other fault: that of the page is told as it is', async () => {
    await expect(callsThatFail('x is not a function').chats(10)).rejects.toThrow('x is not a function');
  });
});
