import { z } from 'zod';
import { bareMessageId } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema, queryNumber } from './parts.ts';
import { sentView } from './views.ts';

/**
 * Every message devices have sent, once for each id, in order of arrival. `repeated`: how many ids came more than once (the recipient had them once).
 * A message sent twice under two ids is two records: compare `to` and `body` for those.
 */
export function sentRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/sent',
    summary: 'Messages sent by devices',
    tag: 'messages',
    query: z.strictObject({
      phone: phoneSchema.optional(),
      to: z.string().max(64).optional(),
      id: z.string().max(300).optional(),
      after: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
      limit: queryNumber(1, 1_000_000, 100_000),
    }),
    responses: DONE,
    handle({ query }) {
      const id = query.id === undefined ? undefined : bareMessageId(query.id);
      const to = query.to === undefined || query.to.includes('@') ? query.to : `${query.to}@c.us`;
      const matching = parts.ledger.sent.filter(
        (record) =>
          record.position > query.after &&
          (query.phone === undefined || record.phone === query.phone) &&
          (to === undefined || record.chat === to) &&
          (id === undefined || record.id === id),
      );
      const sent = matching.slice(0, query.limit);
      return {
        body: {
          total: matching.length,
          repeated: matching.filter((record) => record.attempts.length > 1).length,
          failed: matching.filter((record) => record.ack === -1).length,
          sent: sent.map(sentView),
        },
      };
    },
  });
}
