import { describe, expect, it } from 'vitest';
import { eventDataSchemas } from '../../../fleet/events/event.ts';
import { toldOf } from '../../../instance/inbox/event-of.ts';
import type { Happening } from '../../../instance/whatsapp/client.ts';
import { aSeenMessage } from './seen-message.ts';

const KEY = { workspace: '7', session: 'main' };
const NOW = Date.UTC(2026, 10, 22, 7);
const ID = 'false_491700000002@c.us_AAA';
const MINE = 'true_491700000002@c.us_BBB';

const told = (happening: Happening, late = false, now = NOW) => toldOf(KEY, happening, now, late);

describe('what is told of a happening', () => {
  it('has the same id whoever tells it and when, late or not', () => {
    const happenings: Happening[] = [
      { kind: 'message', message: aSeenMessage('AAA') },
      { kind: 'message', message: aSeenMessage('BBB', { from_me: true }) },
      { kind: 'ack', whatsappId: MINE, ack: 2 },
      { kind: 'reaction', whatsappId: ID, chatId: 'c', from: 'f', emoji: '👍', key: 'k' },
      { kind: 'edited', whatsappId: ID, chatId: 'c', text: 'new', editedAt: 5 },
      { kind: 'revoked', whatsappId: ID, chatId: 'c' },
    ];
    const ids = happenings.map((happening) => told(happening).event?.id);
    expect(new Set(ids).size).toBe(happenings.length);
    expect(happenings.map((happening) => told(happening, true, NOW + 1).event?.id)).toEqual(ids);
    const elsewhere = happenings.map(
      (one) => toldOf({ ...KEY, session: 'other' }, one, NOW, false).event?.id,
    );
    expect(elsewhere.some((id) => ids.includes(id))).toBe(false);
    for (const happening of happenings) {
      const { event } = told(happening);
      if (event) expect(eventDataSchemas[event.type].parse(event.data)).toEqual(event.data);
    }
  });

  it('has another id where something else happened', () => {
    const reaction = (emoji: string, key = 'k'): Happening => ({
      kind: 'reaction',
      whatsappId: ID,
      chatId: 'c',
      from: 'f',
      emoji,
      key,
    });
    const edited = (text: string, editedAt: number | null = 5): Happening => ({
      kind: 'edited',
      whatsappId: ID,
      chatId: 'c',
      text,
      editedAt,
    });
    const ack = (number: number): Happening => ({ kind: 'ack', whatsappId: MINE, ack: number });
    const different = [
      reaction('👍'),
      reaction(''),
      reaction('👍', 'k2'),
      edited('a'),
      edited('b'),
      // Back to what it was before.
      edited('a', 7),
      edited('a', null),
      ack(1),
      ack(2),
      ack(3),
      ack(-1),
    ];
    expect(new Set(different.map((one) => told(one).event?.id)).size).toBe(different.length);
    // Played is read, for a voice message.
    expect(told(ack(4)).event?.id).toBe(told(ack(3)).event?.id);
  });

  it('names media by a path that leads back to its message', () => {
    const media = { mimetype: 'image/png', filename: null, size: 3 };
    const { event } = told({ kind: 'message', message: aSeenMessage('AAA', { has_media: true, media }) });
    expect(event?.data).toMatchObject({
      media: { ...media, media_id: expect.stringMatching(/^med_/), url: expect.stringContaining('AAA') },
    });
  });

  it('leaves it to the queue whether a message of the own account is ours, where its id may be', () => {
    const ours = 'true_491700000002@c.us_3EB0AAAAAAAAAAAAAAAAAA';
    const message = aSeenMessage('x', { whatsapp_id: ours, from_me: true });
    expect(told({ kind: 'message', message }).unlessOurs).toMatch(/^msg_/);
    expect(told({ kind: 'ack', whatsappId: ours, ack: 3 }).unlessOurs).toMatch(/^msg_/);
    expect(
      told({ kind: 'message', message: aSeenMessage('BBB', { from_me: true }) }).unlessOurs,
    ).toBeUndefined();
  });

  it('is nothing for what tells nothing', () => {
    expect(told({ kind: 'ack', whatsappId: MINE, ack: 0 }).event).toBeNull();
    // That somebody's message was read here.
    expect(told({ kind: 'ack', whatsappId: ID, ack: 3 }).event).toBeNull();
    const unreadable = told({ kind: 'unreadable', whatsappId: ID, sentAt: 5 });
    expect(unreadable).toEqual({ event: null, unreadable: { whatsappId: ID, time: 5 } });
  });
});
