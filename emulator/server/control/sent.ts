import { z } from 'zod';
import { matchingRecords, messageQuerySchema } from './message-query.ts';
import { type ControlParts, controlRoute, DONE } from './parts.ts';
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
    query: messageQuerySchema.extend({ to: z.string().max(64).optional() }),
    responses: DONE,
    handle({ query }) {
      const to = query.to === undefined || query.to.includes('@') ? query.to : `${query.to}@c.us`;
      const matching = matchingRecords(
        parts.ledger.sent,
        query,
        ({ chat }) => to === undefined || chat === to,
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
