import { z } from 'zod';
import { bareMessageId } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema, queryNumber } from './parts.ts';
import { deliveryView } from './views.ts';

/** What became of each message on its way to each device: `result` is null until the device acknowledged it. */
export function deliveredRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/delivered',
    summary: 'Messages on their way to devices',
    tag: 'messages',
    query: z.strictObject({
      phone: phoneSchema.optional(),
      device: z.string().max(64).optional(),
      id: z.string().max(300).optional(),
      after: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
      limit: queryNumber(1, 1_000_000, 100_000),
    }),
    responses: DONE,
    handle({ query }) {
      const id = query.id === undefined ? undefined : bareMessageId(query.id);
      const matching = parts.ledger.deliveries.filter(
        (record) =>
          record.position > query.after &&
          (query.phone === undefined || record.phone === query.phone) &&
          (query.device === undefined || record.device === query.device) &&
          (id === undefined || record.id === id),
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
