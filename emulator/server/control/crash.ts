import { z } from 'zod';
import { WharfError } from '../../../common/errors.ts';
import { phoneOfDevice } from '../ids.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';

/** Makes an account's connected pages hang, crash or reload. */
export function crashRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/crash',
    summary: 'Make a page hang, crash or reload',
    tag: 'faults',
    body: z.strictObject({
      phone: phoneSchema,
      action: z.enum(['hang', 'crash', 'reload']).default('crash'),
    }),
    responses: DONE,
    handle({ body }) {
      const targets = parts.connections
        .open()
        .filter(({ record: { device } }) => device !== undefined && phoneOfDevice(device) === body.phone);
      if (targets.length === 0)
        throw new WharfError('invalid_state', `No device of ${body.phone} is connected.`);
      for (const connection of targets) {
        parts.journal.add('command', {
          phone: body.phone,
          connection: connection.record.id,
          action: body.action,
        });
        connection.send({ type: 'command', action: body.action });
      }
      return { body: { connections: targets.map((connection) => connection.record.id) } };
    },
  });
}
