import { z } from 'zod';
import { phoneOfDevice } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, isoTime, phoneSchema } from './parts.ts';
import { connectionView } from './views.ts';

/**
 * Who was connected when, and when two connections of one device were logged in together. With `conflict_grace_ms` 0 the server ends the older
 * one at once, as WhatsApp does, and overlaps are as short as that takes; to measure how long two browsers would both stay, set it high.
 */
export function connectionsRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/connections',
    summary: 'Connections and their overlaps',
    tag: 'state',
    query: z.strictObject({ phone: phoneSchema.optional(), device: z.string().max(64).optional() }),
    responses: DONE,
    handle({ query }) {
      const wanted = (device: string | undefined) =>
        (query.device === undefined || device === query.device) &&
        (query.phone === undefined || (device !== undefined && phoneOfDevice(device) === query.phone));
      const overlaps = parts.connections.overlaps().filter((overlap) => wanted(overlap.device));
      const others = overlaps.filter((overlap) => !overlap.samePage);
      return {
        body: {
          connections: parts.connections.records
            .filter((record) => wanted(record.device))
            .map(connectionView),
          overlaps: overlaps.map((overlap) => ({
            device: overlap.device,
            first: overlap.first,
            second: overlap.second,
            same_page: overlap.samePage,
            started_at: isoTime(overlap.startedAt),
            ended_at: overlap.endedAt === null ? null : isoTime(overlap.endedAt),
            milliseconds: overlap.milliseconds,
          })),
          /** Of two different pages only. */
          longest_overlap_ms: Math.max(0, ...others.map((overlap) => overlap.milliseconds)),
        },
      };
    },
  });
}
