import { z } from 'zod';
import { bareMessageId } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';

/** The senders repeat messages that devices of an account could not read: one, or all. */
export function repeatRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/repeat',
    summary: 'Repeat unreadable messages',
    tag: 'messages',
    body: z.strictObject({ phone: phoneSchema, id: z.string().max(300).optional() }),
    responses: DONE,
    handle({ body }) {
      const wanted = body.id === undefined ? undefined : bareMessageId(body.id);
      const repeated: { device: string; id: string }[] = [];
      for (const device of parts.directory.account(body.phone).devices.values()) {
        for (const id of [...device.unreadable.keys()]) {
          if ((wanted === undefined || id === wanted) && parts.post.repeat(device, id))
            repeated.push({ device: device.id, id });
        }
      }
      parts.changed();
      return { body: { repeated } };
    },
  });
}
