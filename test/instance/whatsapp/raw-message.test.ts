import { describe, expect, it } from 'vitest';
import {
  arrivalOf,
  changesOf,
  editOf,
  reactionOf,
  readRawMessage,
  revocationOf,
  seenMessage,
} from '../../../instance/whatsapp/raw-message.ts';

const ME = '491700000001@c.us';
const CHAT = '491700000002@c.us';
const GROUP = '120363@g.us';
const isMine = (wid: string) => wid === ME;

/** As the library's `rawData` has one: ids are objects, and there is much that is of no concern. */
function raw(changes: Record<string, unknown> = {}, id: Record<string, unknown> = {}) {
  const read = readRawMessage({
    id: { fromMe: false, remote: CHAT, id: 'AAA', _serialized: `false_${CHAT}_AAA`, ...id },
    from: { server: 'c.us', user: '491700000002', _serialized: CHAT },
    to: { server: 'c.us', user: '491700000001', _serialized: ME },
    type: 'chat',
    t: 1_795_000_000,
    ack: 1,
    body: 'hello',
    isNewMsg: true,
    links: [],
    ...changes,
  });
  if (!read) throw new Error('it is not told of');
  return read;
}

describe('a message of the page', () => {
  it('is read whether its ids are text or objects, and with whatever is missing', () => {
    const whole = seenMessage(raw(), isMine);
    expect(whole).toMatchObject({
      whatsapp_id: `false_${CHAT}_AAA`,
      chat_id: CHAT,
      from: CHAT,
      to: ME,
      text: 'hello',
      timestamp: '2026-11-18T11:06:40.000Z',
    });
    expect(seenMessage(raw({ from: CHAT, to: ME }), isMine)).toEqual(whole);
    const least = readRawMessage({
      id: { fromMe: false, remote: CHAT, _serialized: 'x' },
      type: 'chat',
      t: 'soon',
    });
    expect(least && seenMessage(least, isMine)).toMatchObject({ from: CHAT, text: null, ack: null });
    expect(readRawMessage({ type: 'chat' })).toBeUndefined();
    expect(readRawMessage(null)).toBeUndefined();
  });

  it('is not told of where it is none: what the page shows between messages, and status updates', () => {
    for (const type of ['e2e_notification', 'gp2', 'call_log', 'protocol', 'notification_template'])
      expect(
        readRawMessage({ id: { fromMe: false, remote: CHAT, _serialized: 'x' }, type, t: 1 }),
      ).toBeUndefined();
    const status = {
      id: { fromMe: false, remote: 'status@broadcast', _serialized: 'x' },
      type: 'chat',
      t: 1,
    };
    expect(readRawMessage(status)).toBeUndefined();
  });

  it('has a text only where its body is one: of media it is a preview, of a contact a vCard', () => {
    const text = (changes: Record<string, unknown>) => seenMessage(raw(changes), isMine).text;
    expect(text({ type: 'image', directPath: '/x', body: '/9j/4AAQ', caption: 'look' })).toBe('look');
    expect(text({ type: 'image', directPath: '/x', body: '/9j/4AAQ' })).toBeNull();
    expect(text({ type: 'location', body: '/9j/4AAQ', lat: 1, lng: 2 })).toBeNull();
    expect(text({ type: 'vcard', body: 'BEGIN:VCARD' })).toBeNull();
    expect(text({ type: 'poll_creation', body: '', pollName: 'When?' })).toBe('When?');
    expect(text({ type: 'buttons_response', body: 'Yes' })).toBe('Yes');
  });

  it('tells of media, a place, contacts', () => {
    const media = {
      type: 'document',
      directPath: '/x',
      mimetype: 'application/pdf',
      filename: 'a.pdf',
      size: 12.4,
    };
    expect(seenMessage(raw(media), isMine)).toMatchObject({
      has_media: true,
      media: { mimetype: 'application/pdf', filename: 'a.pdf', size: 12 },
    });
    expect(
      seenMessage(raw({ type: 'location', lat: 1, lng: 2, loc: 'Berlin\nMitte' }), isMine).location,
    ).toEqual({
      latitude: 1,
      longitude: 2,
      name: 'Berlin',
    });
    const cards = [
      { displayName: 'A', vcard: 'one' },
      { displayName: 'B', vcard: 'two' },
    ];
    expect(seenMessage(raw({ type: 'multi_vcard', vcardList: cards }), isMine).contacts).toEqual([
      'one',
      'two',
    ]);
    expect(seenMessage(raw({ type: 'vcard', body: 'card' }), isMine).contacts).toEqual(['card']);
  });

  it('names the message it answers as WhatsApp does: whose it was, and in a group who wrote it', () => {
    const answer = (quotedParticipant: unknown, id = {}) =>
      seenMessage(raw({ quotedStanzaID: 'BBB', quotedParticipant }, id), isMine).reply_to;
    expect(answer({ _serialized: CHAT })).toBe(`false_${CHAT}_BBB`);
    expect(answer(ME)).toBe(`true_${CHAT}_BBB`);
    expect(answer(CHAT, { remote: GROUP })).toBe(`false_${GROUP}_BBB_${CHAT}`);
    expect(seenMessage(raw(), isMine).reply_to).toBeNull();
  });

  it('has some time, also where WhatsApp says one that is none', () => {
    for (const t of [1e15, -1e15, 1.5, Number.NaN, 'soon', undefined])
      expect(Number.isFinite(Date.parse(seenMessage(raw({ t }), isMine).timestamp))).toBe(true);
  });

  it('names who wrote it in a group alone', () => {
    const inGroup = raw({ from: GROUP, author: { _serialized: CHAT } }, { remote: { _serialized: GROUP } });
    expect(seenMessage(inGroup, isMine)).toMatchObject({ chat_id: GROUP, author: CHAT });
    expect(seenMessage(raw({ author: CHAT }), isMine).author).toBeNull();
  });
});

describe('what has happened to a message', () => {
  it('is that it came, and what became of it since', () => {
    const kinds = (changes: Record<string, unknown>, id = {}) =>
      arrivalOf(raw(changes, id), isMine).map(({ kind }) => kind);
    expect(kinds({})).toEqual(['message']);
    expect(kinds({ latestEditSenderTimestampMs: 5 })).toEqual(['message', 'edited']);
    expect(kinds({ type: 'revoked' })).toEqual(['revoked']);
    expect(kinds({ type: 'ciphertext', body: '' })).toEqual(['unreadable']);
    expect(kinds({ ack: 3 }, { fromMe: true })).toEqual(['message', 'ack']);
    expect(kinds({ ack: 1 }, { fromMe: true })).toEqual(['message']);
    expect(kinds({ ack: 3 })).toEqual(['message']);
  });

  it('is not that it came, where it was known', () => {
    expect(changesOf(raw())).toEqual([]);
    expect(changesOf(raw({ type: 'ciphertext' }))).toEqual([]);
    expect(changesOf(raw({ type: 'revoked' }))).toHaveLength(1);
  });

  it('is an edit only where WhatsApp says so: a text changes also when it can be read at last', () => {
    expect(editOf(raw())).toBeUndefined();
    expect(editOf(raw({ latestEditMsgKey: { _serialized: 'k' } }))).toMatchObject({ editedAt: null });
    expect(editOf(raw({ latestEditSenderTimestampMs: 5 }))).toMatchObject({ kind: 'edited', editedAt: 5 });
  });

  it('names the message that was revoked, also where what is left of it lies under another id', () => {
    expect(revocationOf(raw({ type: 'revoked' }))).toMatchObject({ whatsappId: `false_${CHAT}_AAA` });
    const renamed = raw({ type: 'revoked', protocolMessageKey: { _serialized: `false_${CHAT}_BBB` } });
    expect(revocationOf(renamed)).toMatchObject({ whatsappId: `false_${CHAT}_BBB`, chatId: CHAT });
  });

  it('is a reaction, or that one was taken back', () => {
    const reaction = {
      id: { _serialized: 'r1' },
      msgId: { _serialized: `false_${CHAT}_AAA`, remote: { _serialized: CHAT } },
      senderId: CHAT,
      reaction: '👍',
    };
    expect(reactionOf(reaction)).toEqual({
      kind: 'reaction',
      whatsappId: `false_${CHAT}_AAA`,
      chatId: CHAT,
      from: CHAT,
      emoji: '👍',
      key: 'r1',
    });
    expect(reactionOf({ ...reaction, reaction: undefined })).toMatchObject({ emoji: '' });
    expect(reactionOf({ ...reaction, msgId: undefined })).toBeUndefined();
  });
});
