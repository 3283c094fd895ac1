import { z } from 'zod';
import { phoneOfDevice } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';

/** Cuts connections without a word: all, or those of one phone or device. */
export function dropSocketsRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/drop-sockets',
    summary: 'Cut connections',
    tag: 'faults',
    body: z.strictObject({ phone: phoneSchema.optional(), device: z.string().max(64).optional() }),
    responses: DONE,
    handle({ body }) {
      const dropped = parts.connections.open().filter(({ record: { device } }) => {
        if (body.device !== undefined && device !== body.device) return false;
        return body.phone === undefined || (device !== undefined && phoneOfDevice(device) === body.phone);
      });
      for (const connection of dropped) {
        parts.journal.add('socket_dropped', { connection: connection.record.id });
        connection.drop('dropped_by_fault');
      }
      return { body: { dropped: dropped.map((connection) => connection.record.id) } };
    },
  });
}
