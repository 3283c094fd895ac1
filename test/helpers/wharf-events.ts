import { type EventData, type EventType, eventId, type WharfEvent } from '../../fleet/events/event.ts';

/** An event about a received message. */
export function receivedEvent(
  id: string,
  changes: Partial<EventData<'message.received'>> = {},
  workspace = '7',
  session = 'main',
): WharfEvent<'message.received'> {
  const whatsappId = `false_491700000002@c.us_${id}`;
  return {
    id: eventId('message.received', workspace, session, whatsappId),
    type: 'message.received',
    timestamp: '2026-11-22T00:00:00.000Z',
    workspace_id: workspace,
    session_id: session,
    data: {
      whatsapp_id: whatsappId,
      chat_id: '491700000002@c.us',
      from: '491700000002@c.us',
      to: '491700000001@c.us',
      author: null,
      kind: 'chat',
      text: `text ${id}`,
      sent_at: '2026-11-22T00:00:00.000Z',
      reply_to: null,
      media: null,
      location: null,
      contacts: null,
      late: false,
      ...changes,
    },
  };
}

/** An event of the fleet, or of a workspace, of any type. */
export function anEvent<Type extends EventType>(
  type: Type,
  data: EventData<Type>,
  workspace: string | null = null,
): WharfEvent<Type> {
  const id = eventId(type, workspace, null, JSON.stringify(data));
  return {
    id,
    type,
    timestamp: '2026-11-22T00:00:00.000Z',
    workspace_id: workspace,
    session_id: null,
    data,
  };
}
