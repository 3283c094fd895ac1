import { z } from 'zod';
import { type ControlParts, controlRoute, DONE, phoneSchema, queryNumber } from './parts.ts';

/** The longest a request is held, seconds. */
const LONGEST_WAIT = 60;

/**
 * What happened, oldest first. `after=` the last id read continues there; `wait=` holds the answer until something matches. `truncated`: older
 * entries than those shown are forgotten already.
 */
export function logRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/log',
    summary: 'What happened',
    tag: 'state',
    query: z.strictObject({
      after: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
      limit: queryNumber(1, 100_000, 10_000),
      phone: phoneSchema.optional(),
      device: z.string().max(64).optional(),
      /** Names, separated by commas. */
      event: z.string().max(500).optional(),
      wait: queryNumber(0, LONGEST_WAIT, 0),
    }),
    responses: DONE,
    async handle({ query }) {
      const { after, limit, phone, device } = query;
      const filter = { after, limit, phone, device, events: query.event?.split(',') };
      const found = await parts.journal.wait(filter, query.wait * 1000);
      return { body: { last_id: parts.journal.lastId, truncated: found.truncated, log: found.entries } };
    },
  });
}
