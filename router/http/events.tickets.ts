import { z } from 'zod';
import { eventTypeSchema } from '../../fleet/events/event.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { EVENTS_PATH } from './events.stream.ts';
import { filterFields, filterFor } from './events-filter.ts';

/** Seconds a ticket is good for, where nothing is said; and at most. */
const DEFAULT_LIFE = 3600;
const LONGEST_LIFE = 24 * 3600;

const ticketBody = z
  .strictObject({
    ...filterFields,
    types: z.array(eventTypeSchema).min(1).optional(),
    expires_in: z
      .number()
      .int()
      .min(1)
      .max(LONGEST_LIFE)
      .default(DEFAULT_LIFE)
      .meta({ description: 'Seconds; streams that were begun with it end then too' }),
  })
  .meta({ id: 'CreateEventTicket' });

const ticketSchema = z
  .object({
    ticket: z.string(),
    expires_at: z.iso.datetime(),
    url: z.string().describe('The path of the stream, with the ticket: for EventSource'),
  })
  .meta({ id: 'EventTicket' });

/** POST `/api/whatsapp/events/tickets` */
export function eventsTickets(services: Services): RouterRoute {
  return route({
    method: 'post',
    path: `${EVENTS_PATH}/tickets`,
    tag: 'Events',
    summary:
      'Makes a ticket that reads these events for a while and nothing else: for EventSource in a browser, which can send no key',
    query: z.strictObject({}),
    body: ticketBody,
    responses: { 201: { description: 'The ticket', schema: ticketSchema } },
    async handle({ body, principal }) {
      const filter = await filterFor(services, principal, body);
      const until = services.clock.now() + body.expires_in * 1000;
      const keyId = principal.kind === 'anyone' ? '' : principal.keyId;
      const ticket = services.tickets.issue({ keyId, until, filter });
      return {
        status: 201,
        body: {
          ticket,
          expires_at: new Date(until).toISOString(),
          url: `${EVENTS_PATH}?ticket=${encodeURIComponent(ticket)}`,
        },
        headers: { 'Cache-Control': 'no-store' },
      };
    },
  });
}
