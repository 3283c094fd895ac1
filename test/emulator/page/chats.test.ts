import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chat, Client, GroupChat, Message } from 'whatsapp-web.js';
import { EmulatedWhatsApp, nextEvent } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';

const ME = '491700000001';
const PEER = '491700000002';
const CHAT = `${PEER}@c.us`;

describe('chats, contacts and groups of the emulated page', () => {
  let whatsApp: EmulatedWhatsApp;
  let client: Client;

  beforeAll(async () => {
    whatsApp = await EmulatedWhatsApp.start({ history: { chats: 3, messages: 70 } });
    client = await whatsApp.client();
    await whatsApp.link(client, ME, 'Ada');
  });
  afterAll(() => whatsApp.close());

  it('has the chats of the history, each with its last message', async () => {
    const chats = await client.getChats();
    const people = chats.filter(({ isGroup }) => !isGroup);
    expect(people.length).toBeGreaterThanOrEqual(3);
    for (const chat of chats) expect(chat.lastMessage?.timestamp).toBe(chat.timestamp);
  });

  it('loads earlier messages until the history ends', async () => {
    const [chat] = (await client.getChats()).filter(({ isGroup }) => !isGroup);
    const some = await (chat as Chat).fetchMessages({ limit: 60 });
    expect(some).toHaveLength(60);
    const times = some.map(({ timestamp }) => timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const all = await (chat as Chat).fetchMessages({ limit: 1000 });
    expect(all).toHaveLength(70);
    expect(new Set(all.map(({ id }) => id._serialized)).size).toBe(70);
  });

  it('knows the contacts of the address book, and asks the server for others', async () => {
    await whatsApp.post('/contact', { phone: ME, contact: PEER, name: 'Grace Hopper', pushname: 'grace' });
    const contact = await eventually(async () => {
      const found = (await client.getContacts()).find(({ id }) => id._serialized === CHAT);
      return found?.name === 'Grace Hopper' && found;
    });
    expect(contact).toMatchObject({ shortName: 'Grace', number: PEER, isMyContact: true, isMe: false });
    const stranger = await client.getContactById('491700000777@c.us');
    expect(stranger).toMatchObject({ number: '491700000777', isMyContact: false, isUser: true });
    expect((await client.getContactById(`${ME}@c.us`)).isMe).toBe(true);
  });

  it('says whether a number is on WhatsApp', async () => {
    expect((await client.getNumberId(PEER))?._serialized).toBe(CHAT);
    expect(await client.isRegisteredUser(CHAT)).toBe(true);
    expect(await client.getNumberId('00012345678')).toBeNull();
    expect(await client.isRegisteredUser('00012345678@c.us')).toBe(false);
  });

  it('answers for profile pictures', async () => {
    const url = await client.getProfilePicUrl(CHAT);
    expect(url === undefined || URL.canParse(url)).toBe(true);
  });

  it('maps hidden numbers to phone numbers and back', async () => {
    const [ids] = await client.getContactLidAndPhone([CHAT]);
    expect(ids?.pn).toBe(CHAT);
    expect(ids?.lid).toMatch(/^\d+@lid$/);
    const [back] = await client.getContactLidAndPhone([String(ids?.lid)]);
    expect(back).toEqual(ids);
  });

  it('counts unread messages, and tells their senders when they are seen', async () => {
    const received = nextEvent<[Message]>(client, 'message');
    await whatsApp.post('/deliver', { phone: ME, from: '491700000050', body: 'unread' });
    const [message] = await received;
    const chat = await message.getChat();
    expect(chat.unreadCount).toBe(1);
    expect(await client.sendSeen(chat.id._serialized)).toBe(true);
    expect((await client.getChatById(chat.id._serialized)).unreadCount).toBe(0);
  });

  it('archives, pins, mutes and marks chats as unread', async () => {
    const archived = nextEvent<[Chat, boolean, boolean]>(client, 'chat_archived');
    await client.archiveChat(CHAT);
    expect((await archived).slice(1)).toEqual([true, false]);
    expect((await client.getChatById(CHAT)).archived).toBe(true);
    await client.unarchiveChat(CHAT);
    const muted = await client.muteChat(CHAT);
    expect(muted).toEqual({ isMuted: true, muteExpiration: -1 });
    expect((await client.unmuteChat(CHAT)).isMuted).toBe(false);
    expect(await client.pinChat(CHAT)).toBe(true);
    expect((await client.getChatById(CHAT)).pinned).toBe(true);
    await client.markChatUnread(CHAT);
    expect((await client.getChatById(CHAT)).unreadCount).toBe(-1);
  });

  it('clears a chat', async () => {
    await client.sendMessage('491700000060@c.us', 'gone soon', { waitUntilMsgSent: true });
    const chat = await client.getChatById('491700000060@c.us');
    await chat.clearMessages();
    expect(await chat.fetchMessages({ limit: 10 })).toEqual([]);
  });

  // Looked at in the page, in the same breath: on hearing that a chat is gone the library asks for it, which makes it anew.
  it('deletes a chat', async () => {
    const gone = '491700000061@c.us';
    const removed = nextEvent<[Chat]>(client, 'chat_removed');
    await client.getChatById(gone);
    const shown = await client.pupPage?.evaluate(async (id) => {
      const page = globalThis as unknown as { require(name: string): never };
      const { Chat } = page.require('WAWebCollections') as { Chat: { get(id: string): object | undefined } };
      const { sendDelete } = page.require('WAWebDeleteChatAction') as {
        sendDelete(chat: unknown): Promise<void>;
      };
      const before = Chat.get(id) !== undefined;
      await sendDelete(Chat.get(id));
      return { before, after: Chat.get(id) !== undefined };
    }, gone);
    expect(shown).toEqual({ before: true, after: false });
    expect((await removed)[0].id._serialized).toBe(gone);
  });

  it('finds messages by their text', async () => {
    await client.sendMessage(CHAT, 'a needle in the haystack', { waitUntilMsgSent: true });
    const found = await client.searchMessages('NEEDLE', { page: 1, limit: 5 });
    expect(found.map(({ body }) => body)).toEqual(['a needle in the haystack']);
  });

  it('makes a group, sends to it and receives from it', async () => {
    const made = await client.createGroup('Engines', [CHAT, '00012345678@c.us']);
    if (typeof made === 'string') throw new Error(made);
    expect(made.participants[CHAT]?.statusCode).toBe(200);
    expect(made.participants['00012345678@c.us']?.statusCode).toBe(404);
    const id = (made.gid as unknown as { _serialized: string })._serialized;
    const group = (await client.getChatById(id)) as GroupChat;
    expect(group.isGroup).toBe(true);
    expect(group.name).toBe('Engines');
    expect(group.participants.map((participant) => participant.id._serialized).sort()).toEqual([
      `${ME}@c.us`,
      CHAT,
    ]);

    const sent = await client.sendMessage(id, 'to all', { waitUntilMsgSent: true });
    expect(sent.id._serialized).toBe(`true_${id}_${sent.id.id}_${ME}@c.us`);
    const received = nextEvent<[Message]>(client, 'message');
    await whatsApp.post('/deliver', { phone: ME, from: PEER, group: id, body: 'from one' });
    const [message] = await received;
    expect([message.from, message.author]).toEqual([id, CHAT]);
    expect((await message.reply('heard')).to).toBe(id);
  });

  it('changes a group', async () => {
    const made = await client.createGroup('Old name', [CHAT]);
    if (typeof made === 'string') throw new Error(made);
    const id = (made.gid as unknown as { _serialized: string })._serialized;
    const group = (await client.getChatById(id)) as GroupChat;
    expect(await group.setSubject('New name')).toBe(true);
    expect(await group.setDescription('what it is for')).toBe(true);
    const added = await group.addParticipants(['491700000003@c.us']);
    expect(added).toMatchObject({ '491700000003@c.us': { code: 200 } });
    expect(await group.promoteParticipants([CHAT])).toEqual({ status: 200 });
    const changed = (await client.getChatById(id)) as GroupChat;
    expect(changed).toMatchObject({ name: 'New name', description: 'what it is for' });
    expect(changed.participants.find(({ id: { user } }) => user === PEER)?.isAdmin).toBe(true);
    expect(await group.removeParticipants([CHAT])).toEqual({ status: 200 });
    const left = (await client.getChatById(id)) as GroupChat;
    expect(left.participants.map(({ id: { user } }) => user).sort()).toEqual([ME, '491700000003']);
  });
});
