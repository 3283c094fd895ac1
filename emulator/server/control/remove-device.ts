import { z } from 'zod';
import { type ControlParts, controlRoute, DONE, deviceSchema, isDevice, phoneSchema } from './parts.ts';

/** The close code of a connection whose device was removed; see protocol/frames.ts. */
const CLOSE_LOGGED_OUT = 4401;

/** The phone's user logs linked devices out: one, or all. */
export function removeDeviceRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/remove-device',
    summary: 'Log linked devices out, on the phone',
    tag: 'linking',
    body: z.strictObject({ phone: phoneSchema, device: deviceSchema.optional() }),
    responses: DONE,
    handle({ body }) {
      const account = parts.directory.account(body.phone);
      const removed = [...account.devices.values()].filter((device) => isDevice(device, body.device));
      const order = parts.faults.of(body.phone).logout_order;
      for (const device of removed) {
        account.devices.delete(device.id);
        parts.journal.add('device_removed', { phone: body.phone, device: device.id });
        for (const connection of parts.connections.allOf(device.id)) {
          connection.send({ type: 'logged_out', reason: 'removed', order });
          connection.close('logged_out', CLOSE_LOGGED_OUT);
        }
      }
      parts.changed();
      return { body: { removed: removed.map((device) => device.id) } };
    },
  });
}
