import { z } from 'zod';
import { matchingRecords, messageQuerySchema } from './message-query.ts';
import { type ControlParts, controlRoute, DONE } from './parts.ts';
import { deliveryView } from './views.ts';

/** What became of each message on its way to each device: `result` is null until the device acknowledged it. */
export function deliveredRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/delivered',
    summary: 'Messages on their way to devices',
    tag: 'messages',
    query: messageQuerySchema.extend({ device: z.string().max(64).optional() }),
    responses: DONE,
    handle({ query }) {
      const matching = matchingRecords(
        parts.ledger.deliveries,
        query,
        ({ device }) => query.device === undefined || device === query.device,
      );
      return {
        body: {
          total: matching.length,
          waiting: matching.filter((record) => record.result === undefined).length,
          delivered: matching.slice(0, query.limit).map(deliveryView),
        },
      };
    },
  });
}
