import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import whatsapp, { type Client, type Message, type PollVote, type Reaction } from 'whatsapp-web.js';
import { EmulatedWhatsApp, nextEvent } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';

const ME = '491700000001';
const PEER = '491700000002';
const CHAT = `${PEER}@c.us`;
/** One red pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

interface SentView {
  readonly id: string;
  readonly to: string;
  readonly type: string;
  readonly content: Record<string, unknown>;
  readonly quoted?: { readonly id: string };
}

describe('messages of the emulated page', () => {
  let whatsApp: EmulatedWhatsApp;
  let client: Client;

  beforeAll(async () => {
    whatsApp = await EmulatedWhatsApp.start();
    client = await whatsApp.client();
    await whatsApp.link(client, ME, 'Ada');
  });
  afterAll(() => whatsApp.close());

  /** What the server has of a message this client sent. */
  async function ledgerOf(id: string): Promise<SentView> {
    const { sent } = await whatsApp.get<{ sent: SentView[] }>(`/sent?phone=${ME}`);
    const found = sent.find((entry) => entry.id === id);
    if (!found) throw new Error(`the server has no message ${id}`);
    return found;
  }

  /** Has somebody send a message to this client, and waits for the library's event. */
  async function deliver(body: Record<string, unknown>): Promise<Message> {
    const received = nextEvent<[Message]>(client, 'message');
    await whatsApp.post('/deliver', { phone: ME, from: PEER, ...body });
    return (await received)[0];
  }

  it('tells of a sent message once, and of its acks as they rise', async () => {
    const created: string[] = [];
    const acks: number[] = [];
    const onCreate = (message: Message) => created.push(message.body);
    const onAck = (_message: Message, ack: number) => acks.push(ack);
    client.on('message_create', onCreate);
    client.on('message_ack', onAck);
    const sent = await client.sendMessage(CHAT, 'acks', { waitUntilMsgSent: true });
    await eventually(() => acks.includes(2));
    await whatsApp.post('/ack', { id: sent.id.id, ack: 3 });
    await eventually(() => acks.includes(3));
    client.off('message_create', onCreate);
    client.off('message_ack', onAck);
    expect(created).toEqual(['acks']);
    expect(acks).toEqual([1, 2, 3]);
  });

  it('returns before the message is sent, with ack 0, unless told to wait', async () => {
    await whatsApp.post('/config', { ack_delay_ms: 300 });
    const sent = await client.sendMessage(CHAT, 'at once');
    expect(sent.ack).toBe(0);
    const [, ack] = await nextEvent<[Message, number]>(
      client,
      'message_ack',
      (message) => message.body === 'at once',
    );
    expect(ack).toBe(1);
    await whatsApp.post('/config', { ack_delay_ms: 0 });
  });

  it('shows a message that the server refuses with ack -1', async () => {
    await whatsApp.post('/config', { fail_sends: 1 });
    const failed = nextEvent<[Message, number]>(client, 'message_ack', (_message, ack) => ack === -1);
    await client.sendMessage(CHAT, 'refused', { waitUntilMsgSent: true });
    expect((await failed)[0].body).toBe('refused');
    await whatsApp.post('/config', { fail_sends: false });
  });

  it('sends an image with its caption, which the server has byte for byte', async () => {
    const media = new whatsapp.MessageMedia('image/png', PNG, 'dot.png');
    const sent = await client.sendMessage(CHAT, media, { caption: 'a dot', waitUntilMsgSent: true });
    expect(sent).toMatchObject({ type: 'image', hasMedia: true, body: 'a dot' });
    const { content } = await ledgerOf(sent.id.id);
    expect(content).toMatchObject({
      type: 'image',
      mimetype: 'image/png',
      caption: 'a dot',
      width: 1,
      height: 1,
    });
    const back = await sent.downloadMedia();
    expect(back.data).toBe(PNG);
  });

  it('sends a document with its name', async () => {
    const media = new whatsapp.MessageMedia(
      'application/pdf',
      Buffer.from('%PDF-1.4').toString('base64'),
      'a b.pdf',
    );
    const sent = await client.sendMessage(CHAT, media, { sendMediaAsDocument: true, waitUntilMsgSent: true });
    expect(sent.type).toBe('document');
    expect((await ledgerOf(sent.id.id)).content).toMatchObject({ type: 'document', filename: 'a b.pdf' });
  });

  it('sends audio as a voice message', async () => {
    const media = new whatsapp.MessageMedia('audio/ogg; codecs=opus', Buffer.from('OggS').toString('base64'));
    const sent = await client.sendMessage(CHAT, media, { sendAudioAsVoice: true, waitUntilMsgSent: true });
    expect(sent.type).toBe('ptt');
    expect((await ledgerOf(sent.id.id)).content).toMatchObject({ type: 'ptt' });
  });

  it('sends an image as a sticker', async () => {
    const media = new whatsapp.MessageMedia('image/png', PNG, 'dot.png');
    const sent = await client.sendMessage(CHAT, media, { sendMediaAsSticker: true, waitUntilMsgSent: true });
    expect((await ledgerOf(sent.id.id)).content).toMatchObject({ type: 'sticker', mimetype: 'image/webp' });
  });

  it('sends a location, a contact card, several contact cards and a poll', async () => {
    const place = new whatsapp.Location(52.5, 13.4, { name: 'Berlin', address: 'Mitte' });
    const location = await client.sendMessage(CHAT, place, { waitUntilMsgSent: true });
    expect((await ledgerOf(location.id.id)).content).toEqual({
      type: 'location',
      latitude: 52.5,
      longitude: 13.4,
      description: 'Berlin\nMitte',
    });
    expect(location.location).toMatchObject({ latitude: 52.5, longitude: 13.4 });

    const contact = await client.getContactById(CHAT);
    const card = await client.sendMessage(CHAT, contact, { waitUntilMsgSent: true });
    expect(card.type).toBe('vcard');
    expect(card.vCards[0]).toContain(`waid=${PEER}`);
    const cards = await client.sendMessage(CHAT, [contact, contact], { waitUntilMsgSent: true });
    expect(cards.vCards).toHaveLength(2);

    const poll = await client.sendMessage(CHAT, new whatsapp.Poll('Tea?', ['yes', 'no']), {
      waitUntilMsgSent: true,
    });
    expect(poll).toMatchObject({ type: 'poll_creation', pollName: 'Tea?' });
    expect((await ledgerOf(poll.id.id)).content).toEqual({
      type: 'poll_creation',
      name: 'Tea?',
      options: ['yes', 'no'],
      selectableCount: 1,
    });
  });

  it('recognizes a contact card that is sent as text', async () => {
    const vcard = `BEGIN:VCARD\nVERSION:3.0\nFN:Grace\nTEL;type=CELL;waid=${PEER}:+${PEER}\nEND:VCARD`;
    const sent = await client.sendMessage(CHAT, vcard, { waitUntilMsgSent: true });
    expect((await ledgerOf(sent.id.id)).content).toMatchObject({ type: 'vcard', displayName: 'Grace' });
  });

  it('replies to a message, and finds what a reply quotes', async () => {
    const question = await deliver({ body: 'when?' });
    const reply = await question.reply('at noon');
    expect(reply.hasQuotedMsg).toBe(true);
    expect((await reply.getQuotedMessage()).body).toBe('when?');
    const answer = await deliver({ body: 'fine', reply_to: reply.id.id });
    expect((await answer.getQuotedMessage()).id._serialized).toBe(reply.id._serialized);
  });

  it('mentions people', async () => {
    const sent = await client.sendMessage(CHAT, `@${PEER}`, { mentions: [CHAT], waitUntilMsgSent: true });
    const mentioned = await sent.getMentions();
    expect(mentioned.map(({ id }) => id._serialized)).toEqual([CHAT]);
  });

  it('reacts to a message, and takes the reaction back', async () => {
    const message = await deliver({ body: 'good news' });
    await message.react('👍');
    const reloaded = await client.getMessageById(message.id._serialized);
    expect(reloaded.hasReaction).toBe(true);
    const reactions = await reloaded.getReactions();
    expect(reactions.map(({ id, hasReactionByMe }) => [id, hasReactionByMe])).toEqual([['👍', true]]);
    await message.react('');
    expect((await client.getMessageById(message.id._serialized)).hasReaction).toBe(false);
  });

  it('tells of the reactions of others', async () => {
    const sent = await client.sendMessage(CHAT, 'react to this', { waitUntilMsgSent: true });
    const reacted = nextEvent<[Reaction]>(client, 'message_reaction');
    await whatsApp.post('/deliver', {
      phone: ME,
      from: PEER,
      reaction: { message_id: sent.id.id, emoji: '❤' },
    });
    const [reaction] = await reacted;
    expect(reaction.reaction).toBe('❤');
    expect(reaction.senderId).toBe(CHAT);
    expect(reaction.msgId._serialized).toBe(sent.id._serialized);
  });

  it('edits its own message, and tells of the edits of others', async () => {
    const sent = await client.sendMessage(CHAT, 'tpyo', { waitUntilMsgSent: true });
    const edited = await sent.edit('typo');
    expect(edited?.body).toBe('typo');
    expect(edited?.latestEditSenderTimestampMs).toBeGreaterThan(0);

    const received = await deliver({ body: 'draft' });
    const changed = nextEvent<[Message, string, string]>(client, 'message_edit');
    await whatsApp.post('/deliver', {
      phone: ME,
      from: PEER,
      edit: { message_id: received.id.id, body: 'final' },
    });
    const [message, newBody, previousBody] = await changed;
    expect([message.id.id, newBody, previousBody]).toEqual([received.id.id, 'final', 'draft']);
  });

  it('deletes its own message for everyone, and tells of messages that others delete', async () => {
    const sent = await client.sendMessage(CHAT, 'oops', { waitUntilMsgSent: true });
    const own = nextEvent<[Message]>(client, 'message_revoke_everyone');
    await sent.delete(true);
    expect((await own)[0].id.id).toBe(sent.id.id);

    const received = await deliver({ body: 'secret' });
    const theirs = nextEvent<[Message]>(client, 'message_revoke_everyone');
    await whatsApp.post('/deliver', { phone: ME, from: PEER, revoke: { message_id: received.id.id } });
    const [revoked] = await theirs;
    expect([revoked.id.id, revoked.type]).toEqual([received.id.id, 'revoked']);
    const reloaded = await client.getMessageById(received.id._serialized);
    expect(reloaded.type).toBe('revoked');
  });

  it('deletes a message for itself only', async () => {
    const received = await deliver({ body: 'only here' });
    await received.delete(false);
    expect(await client.getMessageById(received.id._serialized)).toBeNull();
  });

  it('votes in a poll, and tells of the votes of others', async () => {
    const poll = await deliver({ poll: { name: 'Lunch?', options: ['soup', 'bread'] } });
    const mine = nextEvent<[PollVote]>(client, 'vote_update');
    await poll.vote(['soup']);
    expect((await mine)[0].selectedOptions.map(({ name }) => name)).toEqual(['soup']);

    const theirs = nextEvent<[PollVote]>(client, 'vote_update');
    await whatsApp.post('/deliver', {
      phone: ME,
      from: PEER,
      vote: { message_id: poll.id.id, options: ['bread'] },
    });
    const [vote] = await theirs;
    expect(vote.selectedOptions).toEqual([{ name: 'bread', localId: 1 }]);
    expect(vote.parentMessage.id.id).toBe(poll.id.id);
    expect(await poll.getPollVotes()).toHaveLength(2);
  });

  it('receives media and downloads it', async () => {
    const message = await deliver({ data: PNG, mimetype: 'image/png', caption: 'look' });
    expect(message).toMatchObject({ type: 'image', hasMedia: true, body: 'look' });
    const media = await message.downloadMedia();
    expect(media).toMatchObject({ mimetype: 'image/png', data: PNG });
  });

  it('receives a location and a contact card', async () => {
    const place = await deliver({ location: { latitude: 1.5, longitude: -2.5, name: 'Here' } });
    expect(place.location).toMatchObject({ latitude: 1.5, longitude: -2.5, name: 'Here' });
    const card = await deliver({ contact: { name: 'Grace', phone: PEER } });
    expect(card.vCards[0]).toContain('FN:Grace');
  });

  it('shows what the phone itself sends as created, not as received', async () => {
    const received: string[] = [];
    const onMessage = (message: Message) => received.push(message.body);
    client.on('message', onMessage);
    const created = nextEvent<[Message]>(client, 'message_create');
    await whatsApp.post('/deliver', { phone: ME, from: ME, to: PEER, body: 'from the phone' });
    const [message] = await created;
    client.off('message', onMessage);
    expect([message.fromMe, message.to, message.body]).toEqual([true, CHAT, 'from the phone']);
    expect(received).toEqual([]);
  });

  it('forwards a message', async () => {
    const message = await deliver({ body: 'pass it on' });
    const created = nextEvent<[Message]>(client, 'message_create');
    await message.forward('491700000003@c.us');
    const [forwarded] = await created;
    expect([forwarded.to, forwarded.body, forwarded.isForwarded]).toEqual([
      '491700000003@c.us',
      'pass it on',
      true,
    ]);
  });

  it('refuses to send to a number that is not on WhatsApp', async () => {
    await expect(client.sendMessage('00012345678@c.us', 'nobody')).rejects.toThrow('No LID for user');
  });

  it('uses a message id it is given, and counts a second try of it as a repeat', async () => {
    const id = '3EB0DEADBEEF00000000AA';
    const send = () => client.sendMessage(CHAT, 'once', { waitUntilMsgSent: true });
    await client.pupPage?.evaluate(`window.require('WAWebMsgKey').newId = async () => '${id}'`);
    expect((await send()).id.id).toBe(id);
    expect((await send()).id.id).toBe(id);
    const { sent } = await whatsApp.get<{ sent: { id: string; attempts: number }[] }>(`/sent?phone=${ME}`);
    expect(sent.filter((entry) => entry.id === id).map(({ attempts }) => attempts)).toEqual([2]);
  });
});
