import type { Request } from 'express';
import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import type { Subscription } from '../events/event-streams.ts';
import { isPosition } from '../events/positions.ts';
import type { Principal } from '../principal.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { filterFields, filterFor, typesQuery } from './events-filter.ts';

/** Where events are streamed. */
export const EVENTS_PATH = '/api/whatsapp/events';

const positionSchema = z.string().refine(isPosition, 'must be an id that an event of this stream came with');

const streamQuery = z.strictObject({
  ...filterFields,
  types: typesQuery.optional(),
  last_event_id: positionSchema
    .optional()
    .meta({ description: 'Goes on after this event, where the header Last-Event-ID cannot be set' }),
  ticket: z.string().max(2000).optional().meta({
    description: 'Instead of an API key: of POST /api/whatsapp/events/tickets, for EventSource in a browser',
  }),
});

/** True for a request for a stream that shows a ticket instead of a key; the route looks whether it is good. */
export function showsTicket(request: Request): boolean {
  return request.path === EVENTS_PATH && request.method === 'GET' && request.query['ticket'] !== undefined;
}

/** GET `/api/whatsapp/events` */
export function eventsStream(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: EVENTS_PATH,
    tag: 'Events',
    summary: 'Events as they happen, as server-sent events; goes on from Last-Event-ID with nothing missing',
    query: streamQuery,
    headers: { 'Last-Event-ID': 'The id of the last event that was read: the stream goes on after it' },
    responses: {
      200: {
        description:
          'A stream without end. `id`: where it stands; `event`: the type; `data`: the event as JSON. An event `gap` says that some were forgotten before they were read.',
        contentTypes: ['text/event-stream'],
      },
    },
    async handle({ query, principal, request, response, signal }) {
      const allowed =
        query.ticket === undefined
          ? await byKey(services, principal, query)
          : byTicket(services, query.ticket, query);
      // A browser that comes again names where it was in the header; what stands in the address is older.
      const header = request.get('Last-Event-ID');
      const after = header === undefined || header === '' ? query.last_event_id : positionOf(header);
      if (query.ticket !== undefined) response.setHeader('Access-Control-Allow-Origin', '*');
      await services.eventStreams.serve(response, { ...allowed, after }, signal);
      return undefined;
    },
  });
}

type Allowed = Pick<Subscription, 'filter' | 'isAllowed'>;
type StreamQuery = z.infer<typeof streamQuery>;

async function byKey(services: Services, principal: Principal, query: StreamQuery): Promise<Allowed> {
  const filter = await filterFor(services, principal, query);
  const { keys } = services;
  return {
    filter,
    isAllowed: () => principal.kind !== 'anyone' && keys.infoOf(principal.keyId) !== undefined,
  };
}

function byTicket({ tickets, keys }: Services, text: string, query: StreamQuery): Allowed {
  const others = [query.workspace_id, query.session_id, query.types];
  if (others.some((each) => each !== undefined))
    throw new WharfError(
      'invalid_request',
      'query: which events a ticket shows was said when it was made; the address names only the ticket and last_event_id.',
    );
  const ticket = tickets.check(text);
  const isAllowed = () =>
    ticket !== undefined && !tickets.isOver(ticket.until) && keys.infoOf(ticket.keyId) !== undefined;
  if (ticket === undefined || !isAllowed())
    throw new WharfError(
      'unauthorized',
      'This ticket has run out, or is none. POST /api/whatsapp/events/tickets makes another, with an API key.',
    );
  return { filter: ticket.filter, isAllowed };
}

function positionOf(header: string): string {
  const parsed = positionSchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new WharfError(
    'invalid_request',
    'header.Last-Event-ID: must be an id that an event of this stream came with',
  );
}
