import { z } from 'zod';
import type { Happening, HistoryPart, HistoryQuery, PageActivity } from './client.ts';
import { SITE } from './dead-mans-timer.ts';
import { arrivalOf, changesOf, type IsMine, reactionOf, readRawMessage } from './raw-message.ts';

/** By this name the page tells of a message that can be read at last: the message as JSON. */
export const READABLE_CALLBACK = 'wharfOnReadable';

/** What is noted at most while a page connects; who has been away for so long finds the rest in the chats. */
const MOST_NOTED = 20_000;
/** How long a document is looked at for the page's code to be there, milliseconds. */
const PATIENCE = 120_000;
/** How much an answer about histories holds at most. */
const MOST_MESSAGES = 300;
/** Pages of older messages that are loaded for one chat at most; WhatsApp Web loads some 50 at a time. */
const MOST_PAGES = 200;

/** Attributes of a message that are told; see `raw-message.ts`. */
const FIELDS = [
  'from',
  'to',
  'author',
  'type',
  't',
  'ack',
  'caption',
  'pollName',
  'eventName',
  'directPath',
  'mimetype',
  'filename',
  'size',
  'lat',
  'lng',
  'loc',
  'vcardList',
  'quotedStanzaID',
  'quotedParticipant',
  'latestEditSenderTimestampMs',
  'latestEditMsgKey',
  'protocolMessageKey',
];

/** Functions of the page that the expressions below share. */
const TOOLS = `
  const shown = (value) => value && typeof value === 'object' && '_serialized' in value
    ? { _serialized: String(value._serialized) } : value;
  const keyOf = (key) => key && { _serialized: String(key._serialized), fromMe: Boolean(key.fromMe), remote: shown(key.remote) };
  const pick = (msg) => {
    const picked = { id: keyOf(msg.id) };
    for (const name of ${JSON.stringify(FIELDS)}) {
      const value = msg[name];
      if (value !== undefined && value !== null) picked[name] = shown(value);
    }
    if (Array.isArray(msg.vcardList)) picked.vcardList = msg.vcardList.map(({ vcard }) => ({ vcard }));
    // Of media it is a preview picture.
    if (!msg.directPath && typeof msg.body === 'string') picked.body = msg.body;
    return picked;
  };
  const expectReadable = (msg) => {
    if (msg.type !== 'ciphertext' || window.wharfEarly?.awaited.has(msg)) return;
    window.wharfEarly?.awaited.add(msg);
    msg.once('change:type', (changed) => window.${READABLE_CALLBACK}(JSON.stringify(pick(changed ?? msg))));
  };
`;

/**
 * Notes what comes while a page connects, before the library listens (facts file, 2): an expression that runs in each of its documents before any code of the
 * page's own. Nothing of a message is kept but its key; {@link activityExpression} asks for the rest, and ends the noting.
 */
export const EARLY_NOTES = `(() => {
  if (location.hostname !== '${SITE}' || window.top !== window || 'wharfEarly' in window) return;
  const early = { on: true, listens: false, items: [], awaited: new WeakSet(), loaded: new Map() };
  Object.defineProperty(window, 'wharfEarly', { value: early });
  const note = (kind, what) => {
    if (early.on && early.items.length < ${MOST_NOTED}) early.items.push([kind, what]);
  };
  const listen = () => {
    const { Msg } = window.require('WAWebCollections');
    Msg.on('add', (msg) => { if (msg.isNewMsg) note('added', msg.id); });
    for (const name of ['change:type', 'change:ack', 'change:body', 'change:caption'])
      Msg.on(name, (msg) => note('changed', msg.id));
    const { reactionTableMode } = window.require('WAWebAddonReactionTableMode');
    const { bulkUpsert } = reactionTableMode;
    reactionTableMode.bulkUpsert = function (rows, ...rest) {
      if (Array.isArray(rows)) for (const row of rows) note('reaction', row);
      return bulkUpsert.call(this, rows, ...rest);
    };
  };
  const since = performance.now();
  const timer = setInterval(() => {
    const there = window.Debug?.VERSION !== undefined;
    if (!there && performance.now() - since < ${PATIENCE}) return;
    clearInterval(timer);
    if (!there) return;
    try { listen(); early.listens = true; } catch { /* Told with the answer. */ }
  }, 10);
})()`;

/** Asks for what came while the page connected, for when each chat had its last message, and for messages that could not be read. */
export function activityExpression(unreadable: readonly string[]): string {
  return `(${ACTIVITY})(${JSON.stringify(unreadable)})`;
}

const ACTIVITY = `async (unreadable) => {
  ${TOOLS}
  const { Msg, Chat } = window.require('WAWebCollections');
  const early = window.wharfEarly;
  if (early) early.on = false;
  const items = [];
  const told = new Map();
  for (const [kind, what] of early ? early.items.splice(0) : []) {
    if (kind === 'reaction') {
      items.push({ reaction: {
        id: shown(what.id), msgId: keyOf(what.reactionParentKey), senderId: shown(what.author ?? what.from),
        reaction: what.reactionText,
      } });
      continue;
    }
    const before = told.get(what._serialized);
    if (before) before.isNew ||= kind === 'added';
    const msg = before ? undefined : Msg.get(what);
    if (!msg) continue;
    expectReadable(msg);
    const item = { message: pick(msg), isNew: kind === 'added' };
    told.set(what._serialized, item);
    items.push(item);
  }
  const missing = unreadable.filter((id) => !told.has(id));
  const found = missing.length === 0 ? [] : ((await Msg.getMessagesById(missing))?.messages ?? []);
  for (const msg of found) {
    expectReadable(msg);
    items.push({ message: pick(msg), isNew: true });
  }
  const me = window.require('WAWebUserPrefsMeUser');
  const mine = [me.getMaybeMePnUser?.(), me.getMaybeMeLidUser?.()].flatMap((wid) => (wid ? [wid._serialized] : []));
  const chats = Chat.getModelsArray().map((chat) => [chat.id._serialized, Number(chat.t) || 0]);
  return { items, chats, mine, complete: Boolean(early?.listens) && items.length < ${MOST_NOTED} };
}`;

const itemSchema = z.union([
  z.object({ message: z.unknown(), isNew: z.boolean() }),
  z.object({ reaction: z.unknown() }),
]);
const activitySchema = z.object({
  items: z.array(itemSchema),
  chats: z.array(z.tuple([z.string(), z.number()])),
  mine: z.array(z.string()),
  complete: z.boolean(),
});

/** What the page answered to {@link activityExpression}. Throws where that is not to be understood. */
export function parseActivity(answer: unknown): PageActivity & { mine: string[] } {
  const { items, chats, mine, complete } = activitySchema.parse(answer);
  const isMine = (wid: string) => mine.includes(wid);
  const happened = items.flatMap((item): Happening[] => {
    if (!('message' in item)) return listOf(reactionOf(item.reaction));
    const raw = readRawMessage(item.message);
    if (!raw) return [];
    return item.isNew ? arrivalOf(raw, isMine) : changesOf(raw);
  });
  return { happened, chats: new Map(chats), mine, complete };
}

/** Asks for parts of chats' histories. */
export function historyExpression(queries: readonly HistoryQuery[]): string {
  return `(${HISTORY})(${JSON.stringify(queries)})`;
}

/**
 * A chat's newest messages may have come late, with an earlier time: one page more is always loaded before its times are believed. All chats load at one
 * time, since each waits for the database.
 */
const HISTORY = `async (queries) => {
  ${TOOLS}
  const { Chat, Reactions } = window.require('WAWebCollections');
  const { loadEarlierMsgs } = window.require('WAWebChatLoadMessages');
  const loaded = window.wharfEarly?.loaded ?? new Map();
  const load = async ({ chatId, after }) => {
    const chat = Chat.get(chatId);
    if (!chat || loaded.get(chatId) <= after) return;
    for (let page = 0; page < ${MOST_PAGES}; page += 1) {
      const messages = await loadEarlierMsgs({ chat });
      if (!messages?.length || messages.some((msg) => msg.t <= after)) break;
    }
    loaded.set(chatId, after);
  };
  // One chat that the page fails at is not to keep all others back.
  const faults = new Map();
  await Promise.all(queries.map((query) => load(query).catch((error) => faults.set(query.chatId, String(error?.message ?? error)))));
  const parts = [];
  let left = ${MOST_MESSAGES};
  for (const { chatId, after, skip } of queries) {
    if (left <= 0) break;
    const part = { chatId, messages: [], reactions: [], count: 0, more: false };
    parts.push(part);
    if (faults.has(chatId)) {
      part.fault = faults.get(chatId).slice(0, 200);
      continue;
    }
    const chat = Chat.get(chatId);
    if (!chat) continue;
    const wanted = chat.msgs.getModelsArray().filter((msg) => msg.t > after && !msg.isNotification);
    const messages = wanted.sort((a, b) => a.t - b.t).slice(skip, skip + left);
    part.more = skip + messages.length < wanted.length;
    part.count = messages.length;
    left -= messages.length;
    for (const msg of messages) {
      expectReadable(msg);
      part.messages.push(pick(msg));
      if (!msg.hasReaction) continue;
      const found = await Promise.resolve(Reactions.find(msg.id._serialized)).catch(() => undefined);
      for (const group of found?.reactions?.getModelsArray() ?? [])
        for (const { msgKey, senderUserJid, reactionText } of group.senders ?? [])
          part.reactions.push({ id: shown(msgKey), msgId: keyOf(msg.id), senderId: shown(senderUserJid), reaction: reactionText ?? group.aggregateEmoji });
    }
  }
  return parts;
}`;

const partsSchema = z.array(
  z.object({
    chatId: z.string(),
    messages: z.array(z.unknown()),
    reactions: z.array(z.unknown()),
    count: z.number().int(),
    more: z.boolean(),
    fault: z.string().optional(),
  }),
);

/** What the page answered to {@link historyExpression}. Throws where that is not to be understood. */
export function parseHistory(answer: unknown, isMine: IsMine): HistoryPart[] {
  return partsSchema.parse(answer).map(({ chatId, messages, reactions, count, more, fault }) => {
    const arrivals = messages.flatMap((message) => {
      const raw = readRawMessage(message);
      return raw ? arrivalOf(raw, isMine) : [];
    });
    return {
      chatId,
      count,
      more,
      fault,
      happened: [...arrivals, ...reactions.flatMap((one) => listOf(reactionOf(one)))],
    };
  });
}

function listOf(happening: Happening | undefined): Happening[] {
  return happening ? [happening] : [];
}
