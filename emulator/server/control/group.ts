import { z } from 'zod';
import { personId } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';
import { groupView } from './views.ts';

/** Makes a group, or makes it anew when the id is given and known. The owner need not have an account here. */
export function groupRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/group',
    summary: 'Make a group',
    tag: 'messages',
    body: z.strictObject({
      id: z
        .string()
        .regex(/^\d{5,20}@g\.us$/, 'must be digits@g.us')
        .optional(),
      subject: z.string().min(1).max(100),
      owner: phoneSchema,
      participants: z.array(phoneSchema).max(1024),
    }),
    responses: DONE,
    handle({ body }) {
      const made = parts.groups.create(
        personId(body.owner),
        body.subject,
        body.participants.map(personId),
        body.id,
      );
      parts.changed();
      return { body: { group: groupView(made.group), absent: made.absent } };
    },
  });
}
