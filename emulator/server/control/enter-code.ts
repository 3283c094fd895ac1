import { z } from 'zod';
import { phoneOfDevice } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';
import { deviceView } from './views.ts';

/** A phone enters the pairing code a page shows. Answers when the page has stored its credentials. */
export function enterCodeRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/enter-code',
    summary: 'Enter a pairing code on a phone',
    tag: 'linking',
    body: z.strictObject({
      code: z.string().min(8).max(20),
      phone: phoneSchema.optional(),
      name: z.string().min(1).max(100).optional(),
    }),
    responses: DONE,
    async handle({ body }) {
      const device = await parts.linking.enterCode(body.code, body.phone, body.name);
      await parts.saved();
      return { body: deviceView(parts, parts.directory.account(phoneOfDevice(device.id)), device) };
    },
  });
}
