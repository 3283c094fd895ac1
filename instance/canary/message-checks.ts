import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { chatOf, newMessageId, whatsappKeyOf } from '../../fleet/queue/message-ids.ts';
import type { Happening, LinkedAccount, PreparedMessage } from '../whatsapp/client.ts';
import type { CanaryBrowser } from './canary-browser.ts';
import type { CheckBook } from './check-book.ts';

/** How long the server's acknowledgement may take, milliseconds. */
const ACK_PATIENCE = 45_000;
/** Between two questions to the page, milliseconds. */
const PAUSE = 500;

const NAME = 'Wharf canary';
/** The file that goes up and comes back, bytes: more than one piece of it is read out of the page. */
const FILE_BYTES = 1_000_000;

/** A message that the canary sent to itself. */
export interface SentMessage {
  to: string;
  key: string;
  whatsappId: string;
}

/**
 * Sends one message of each kind to the account itself, and looks for what Wharf relies on.
 *
 * @returns the text, to be looked for after a restart; null where it was not sent
 */
export async function checkMessages(
  browser: CanaryBrowser,
  book: CheckBook,
  account: LinkedAccount,
): Promise<SentMessage | null> {
  const to = `${account.phoneNumber}@c.us`;
  const since = Math.floor(Date.now() / 1000) - 120;
  let text: SentMessage | null = null;
  const isSent = await book.check('send_text', async () => {
    text = await send(browser, { to, text: `${NAME}: a text` });
    return await acknowledged(browser, text);
  });
  await checkText(browser, book, isSent ? text : null);
  await book.check('location', () =>
    sendAndWait(browser, { to, location: { latitude: 52.52, longitude: 13.405, name: NAME } }),
  );
  await book.check('contact', () =>
    sendAndWait(browser, { to, contact: { name: NAME, phone_number: account.phoneNumber ?? '' } }),
  );
  await book.check('poll', () =>
    sendAndWait(browser, { to, poll: { question: `${NAME}?`, options: ['yes', 'no'] } }),
  );
  await checkMedia(browser, book, to);
  await checkReads(browser, book, account, isSent ? text : null, since);
  await book.check('typing', () => browser.client.showTyping(to));
  return isSent ? text : null;
}

async function checkText(browser: CanaryBrowser, book: CheckBook, text: SentMessage | null): Promise<void> {
  if (text === null) return book.skip(['echo', 'fate', 'reply'], 'the text was not sent');
  await book.check('echo', async () => {
    await browser.until(() => messageOf(browser, text.whatsappId), 'the event', ACK_PATIENCE);
  });
  await book.check('fate', () => requireKnown(browser, text));
  await book.check('reply', async () => {
    const reply = await send(browser, {
      to: text.to,
      text: `${NAME}: a reply`,
      reply_to: text.whatsappId,
    });
    await acknowledged(browser, reply);
    const told = await browser.until(
      () => messageOf(browser, reply.whatsappId),
      'the event of the reply',
      ACK_PATIENCE,
    );
    if (!told.reply_to) throw new Error('it went without what it answers');
  });
}

async function checkMedia(browser: CanaryBrowser, book: CheckBook, to: string): Promise<void> {
  const content = randomBytes(FILE_BYTES);
  let file: SentMessage | null = null;
  const isUp = await book.check('media_up', async () => {
    const media = {
      mimetype: 'application/octet-stream',
      data: content.toString('base64'),
      filename: 'wharf-canary.bin',
    };
    file = await send(browser, { to, media });
    return await acknowledged(browser, file);
  });
  const { whatsappId } = (file as SentMessage | null) ?? { whatsappId: null };
  if (!isUp || whatsappId === null) return book.skip(['media_down'], 'the file was not sent');
  await book.check('media_down', async () => {
    const { stream } = await browser.client.media(whatsappId);
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(Buffer.from(piece));
    const back = Buffer.concat(pieces);
    if (back.equals(content)) return;
    throw new Error(`${content.length} bytes went up, and ${back.length} others came back`);
  });
}

async function checkReads(
  browser: CanaryBrowser,
  book: CheckBook,
  account: LinkedAccount,
  text: SentMessage | null,
  since: number,
): Promise<void> {
  const { client } = browser;
  await book.check('chats', async () => {
    const chats = await client.chats(1000);
    const contacts = await client.contacts(10_000);
    const number = await client.number(account.phoneNumber ?? '');
    if (!number.on_whatsapp) throw new Error('its own number is said not to be on WhatsApp');
    if (chats.length === 0) throw new Error('there are no chats, though one has messages');
    return `${chats.length} chats, ${contacts.length} contacts`;
  });
  if (text === null) return book.skip(['history'], 'the text was not sent');
  await book.check('history', async () => {
    const { chats, complete } = await client.activity([]);
    if (!complete) throw new Error('what came while the page connected was not noted');
    const chatId = chatOf(text.whatsappId) ?? '';
    if (!chats.has(chatId)) throw new Error('the chat with itself is not among those with a time');
    const [part] = await client.history([{ chatId, after: since, skip: 0 }]);
    if (part?.fault) throw new Error(part.fault);
    const found = part?.happened.some(
      (one) => one.kind === 'message' && one.message.whatsapp_id === text.whatsappId,
    );
    if (!found) throw new Error(`the text is not among ${part?.count ?? 0} messages since it was sent`);
  });
}

/** Throws where the page's history does not know a message with an acknowledgement. */
export async function requireKnown(
  browser: CanaryBrowser,
  { to, key, whatsappId }: SentMessage,
): Promise<void> {
  const { fates } = await browser.client.fates([{ to, key, whatsappId }]);
  const [fate] = fates;
  if (fate?.kind !== 'present') throw new Error(`the history says it is ${fate?.kind ?? 'not there'}`);
  if (fate.ack < 1) throw new Error(`the history says that its acknowledgement is ${fate.ack}`);
}

async function sendAndWait(browser: CanaryBrowser, message: PreparedMessage): Promise<void> {
  return await acknowledged(browser, await send(browser, message));
}

async function send(browser: CanaryBrowser, message: PreparedMessage): Promise<SentMessage> {
  const key = whatsappKeyOf(newMessageId({ workspace: 'canary', session: 'canary' }));
  const whatsappId = await browser.client.send(message, key, async () => true);
  if (!whatsappId.includes(`_${key}`)) throw new Error('it left under another id than ours');
  return { to: message.to, key, whatsappId };
}

/** Waits until the server has it, by what the history says: events of acknowledgements are one way to know, and not the only one. */
async function acknowledged(browser: CanaryBrowser, { to, key, whatsappId }: SentMessage): Promise<void> {
  const end = performance.now() + ACK_PATIENCE;
  for (;;) {
    const told = browser.happened.some(
      (one) => one.kind === 'ack' && one.whatsappId === whatsappId && one.ack >= 1,
    );
    if (told) return;
    const [fate] = (await browser.client.fates([{ to, key, whatsappId }])).fates;
    if (fate?.kind === 'present' && fate.ack >= 1) return;
    if (performance.now() > end)
      throw new Error(`the server did not acknowledge it (the history says ${fate?.kind ?? 'nothing'})`);
    await sleep(PAUSE);
  }
}

function messageOf(browser: CanaryBrowser, whatsappId: string) {
  const found = browser.happened.find(
    (one): one is Extract<Happening, { kind: 'message' }> =>
      one.kind === 'message' && one.message.whatsapp_id === whatsappId,
  );
  return found?.message;
}
