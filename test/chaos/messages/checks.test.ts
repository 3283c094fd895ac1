import { describe, expect, it } from 'vitest';
import { newMessageId, whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import type { SentByDevice } from '../real/phones.ts';
import { checkIncoming } from './incoming-check.ts';
import { checkOutgoing, type SeenMessage } from './outgoing-check.ts';
import type { ReceivedEvent } from './receiver.ts';
import type { Accepted } from './senders.ts';

const PHONE = '491700000001';

function accepted(order: number, more: Partial<Accepted> = {}): Accepted {
  return {
    id: newMessageId({ workspace: '1', session: 's1' }),
    text: `text ${order}`,
    session: 's1',
    phone: PHONE,
    priority: 'normal',
    onUnknown: 'report',
    order,
    ...more,
  };
}

function arrival(message: Accepted, position: number, more: Partial<SentByDevice> = {}): SentByDevice {
  return {
    position,
    id: whatsappKeyOf(message.id),
    phone: PHONE,
    device: 'd1',
    to: '491800000001@c.us',
    body: message.text,
    ack: 1,
    attempts: 1,
    ...more,
  };
}

function status(message: Accepted, told: string, id = `evt_${message.id}_${told}`): ReceivedEvent {
  return { id, type: 'message.status', session_id: 's1', data: { message_id: message.id, status: told } };
}

const seenAs = (told: string, code?: string): SeenMessage => ({
  status: told,
  whatsapp_id: null,
  error: code === undefined ? null : { code, detail: '' },
});

function outgoing(
  messages: Accepted[],
  seen: SeenMessage[],
  sent: SentByDevice[],
  events: ReceivedEvent[] = messages.map((message, index) => status(message, seen[index]?.status ?? 'sent')),
) {
  const views = new Map(
    messages.flatMap(({ id }, index) => {
      const view = seen[index];
      return view === undefined ? [] : [[id, view] as const];
    }),
  );
  return checkOutgoing(messages, views, sent, events);
}

describe('the check of outgoing messages', () => {
  const [one, two] = [accepted(0), accepted(1)];

  it('finds nothing wrong where all arrived in order', () => {
    const found = outgoing(
      [one, two],
      [seenAs('sent'), seenAs('read')],
      [arrival(one, 1, { attempts: 2 }), arrival(two, 2)],
    );
    expect(found).toEqual({
      lost: [],
      duplicated: [],
      outOfOrder: [],
      failed: [],
      failedThatLeft: [],
      otherIds: [],
      withoutEvent: [],
      eventsOfTwoIds: [],
      unknown: {},
      unknownThatLeft: 0,
      sentAgain: 1,
    });
  });

  it('sees a message that is told as sent and is not there, one that never ends, and one nobody knows', () => {
    const three = accepted(2);
    const found = outgoing([one, two, three], [seenAs('sent'), seenAs('queued')], []);
    expect(found.lost).toHaveLength(3);
  });

  it('sees a message that the server refused', () => {
    expect(outgoing([one], [seenAs('sent')], [arrival(one, 1, { ack: -1 })]).lost).toHaveLength(1);
  });

  it('sees one text under two ids', () => {
    const sent = [arrival(one, 1), arrival(one, 2, { id: '3EB0OTHER' })];
    const found = outgoing([one], [seenAs('sent')], sent);
    expect(found.duplicated).toHaveLength(1);
    expect(found.otherIds).toHaveLength(1);
  });

  it('sees what overtook another of its priority, and lets a more urgent one pass', () => {
    const sent = [arrival(two, 1), arrival(one, 2)];
    const seen = [seenAs('sent'), seenAs('sent')];
    expect(outgoing([one, two], seen, sent).outOfOrder).toHaveLength(1);
    const urgent = accepted(1, { priority: 'high' });
    expect(outgoing([one, urgent], seen, [arrival(urgent, 1), arrival(one, 2)]).outOfOrder).toEqual([]);
  });

  it('tells what is unknown by its reason, and what of it left all the same', () => {
    const seen = [seenAs('unknown', 'send_unknown'), seenAs('unknown', 'send_unknown')];
    const found = outgoing([one, two], seen, [arrival(one, 1)]);
    expect(found).toMatchObject({ lost: [], unknown: { send_unknown: 2 }, unknownThatLeft: 1 });
  });

  it('sees what was told as failed, the worse where WhatsApp has it', () => {
    const found = outgoing([one, two], [seenAs('failed', 'x'), seenAs('failed', 'x')], [arrival(one, 1)]);
    expect(found.failedThatLeft).toHaveLength(1);
    expect(found.failed).toHaveLength(1);
  });

  it('sees an end without an event, and one status with events of two ids', () => {
    const events = [status(one, 'sent'), status(one, 'sent', 'evt_other'), status(two, 'sent')];
    const found = outgoing(
      [one, two],
      [seenAs('sent'), seenAs('read')],
      [arrival(one, 1), arrival(two, 2)],
      events,
    );
    expect(found.withoutEvent).toHaveLength(1);
    expect(found.eventsOfTwoIds).toHaveLength(1);
  });
});

describe('the check of incoming messages', () => {
  const written = ['a', 'b', 'c'].map((id, order) => ({
    whatsappId: id,
    session: 's1',
    chat: order === 1 ? 'other' : 'chat',
    order,
  }));
  const event = (whatsapp_id: string, id = `evt_${whatsapp_id}`, late = false): ReceivedEvent => ({
    id,
    type: 'message.received',
    session_id: 's1',
    data: { whatsapp_id, late },
  });

  it('finds nothing wrong where each has its event, in order', () => {
    expect(checkIncoming(written, [event('a'), event('b', 'evt_b', true), event('c')])).toEqual({
      missing: [],
      eventsOfTwoIds: [],
      outOfOrderInChat: [],
      outOfOrderInSession: 0,
      late: 1,
    });
  });

  it('sees what is missing, and another session has it of no use', () => {
    const elsewhere = { ...event('b'), session_id: 's2' };
    expect(checkIncoming(written, [event('a'), elsewhere, event('c')]).missing).toEqual(['s1 b']);
  });

  it('sees two ids for one message', () => {
    const found = checkIncoming(written, [event('a'), event('b'), event('c'), event('a', 'evt_z')]);
    expect(found.eventsOfTwoIds).toHaveLength(1);
  });

  it('sees disorder in a chat, and counts that between chats apart', () => {
    const inChat = checkIncoming(written, [event('c'), event('a'), event('b')]);
    expect(inChat.outOfOrderInChat).toHaveLength(1);
    const between = checkIncoming(written, [event('b'), event('a'), event('c')]);
    expect(between).toMatchObject({ outOfOrderInChat: [], outOfOrderInSession: 1 });
  });
});
