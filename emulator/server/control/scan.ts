import { z } from 'zod';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';
import { deviceView } from './views.ts';

/** A phone scans the QR that a page shows. Answers when the page has stored its credentials. */
export function scanRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/scan',
    summary: 'Scan a QR with a phone',
    tag: 'linking',
    body: z.strictObject({
      qr: z.string().min(1).max(2000),
      phone: phoneSchema,
      name: z.string().min(1).max(100).optional(),
    }),
    responses: DONE,
    async handle({ body }) {
      const device = await parts.linking.scan(body.qr, body.phone, body.name);
      await parts.saved();
      return { body: deviceView(parts, parts.directory.account(body.phone), device) };
    },
  });
}
