import { z } from 'zod';
import { lidOf, personId } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';

/** Puts somebody into an account's address book. */
export function contactRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/contact',
    summary: 'Add a contact to an address book',
    tag: 'messages',
    body: z.strictObject({
      phone: phoneSchema,
      contact: phoneSchema,
      name: z.string().min(1).max(100),
      pushname: z.string().min(1).max(100).optional(),
      business: z.boolean().default(false),
    }),
    responses: DONE,
    handle({ body }) {
      const account = parts.directory.account(body.phone);
      const contact = {
        id: personId(body.contact),
        lid: lidOf(body.contact),
        name: body.name,
        isBusiness: body.business,
        ...(body.pushname === undefined ? {} : { pushname: body.pushname }),
      };
      account.contacts.set(contact.id, contact);
      for (const device of account.devices.values()) parts.post.deliver(device, { kind: 'contact', contact });
      parts.changed();
      return { body: { id: contact.id, lid: contact.lid, name: contact.name } };
    },
  });
}
