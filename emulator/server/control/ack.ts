import { z } from 'zod';
import { WharfError } from '../../../common/errors.ts';
import { bareMessageId } from '../ids.ts';
import { type ControlParts, controlRoute, DONE } from './parts.ts';
import { sentView } from './views.ts';

/** Raises the ack of a sent message: 1 at the server, 2 delivered, 3 read, 4 played; -1 failed. */
export function ackRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/ack',
    summary: 'Raise the ack of a sent message',
    tag: 'messages',
    body: z.strictObject({ id: z.string().min(1).max(300), ack: z.literal([-1, 1, 2, 3, 4]) }),
    responses: DONE,
    handle({ body }) {
      const record = parts.ledger.findAny(bareMessageId(body.id));
      if (record === undefined)
        throw new WharfError('message_not_found', `No message with the id ${body.id.slice(0, 80)} was sent.`);
      if (!parts.ledger.raise(record, body.ack) && record.ack !== body.ack) {
        throw new WharfError('invalid_state', `The message's ack is ${record.ack}: it only rises.`);
      }
      parts.messenger.tellNow(record);
      parts.changed();
      return { body: sentView(record) };
    },
  });
}
