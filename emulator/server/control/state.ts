import { z } from 'zod';
import { type ControlParts, controlRoute, DONE, isoTime, phoneSchema } from './parts.ts';
import { deviceView, groupView } from './views.ts';

/** Accounts with their devices, pages that wait to be linked (with the QR each shows), groups, totals. */
export function stateRoute(parts: ControlParts) {
  return controlRoute({
    method: 'get',
    path: '/state',
    summary: 'What there is now',
    tag: 'state',
    query: z.strictObject({ phone: phoneSchema.optional() }),
    responses: DONE,
    handle({ query }) {
      const accounts = [...parts.directory.accounts.values()].filter(
        (account) => query.phone === undefined || account.phone === query.phone,
      );
      const devices = accounts.flatMap((account) => [...account.devices.values()]);
      const sum = (of: (device: (typeof devices)[number]) => number) =>
        devices.reduce((total, device) => total + of(device), 0);
      return {
        body: {
          started_at: isoTime(parts.startedAt),
          now: isoTime(parts.clock.now()),
          last_log_id: parts.journal.lastId,
          totals: {
            accounts: accounts.length,
            devices: devices.length,
            connected: devices.filter((device) => parts.connections.of(device.id) !== undefined).length,
            open_connections: parts.connections.open().length,
            waiting: parts.linking.waiting.size,
            queued: sum((device) => device.mailbox.size),
            conflicts: sum((device) => device.conflicts),
            rollbacks: sum((device) => device.rollbacks),
            unreadable: sum((device) => device.unreadableCount),
            sent: parts.ledger.sent.length,
            delivered: parts.ledger.deliveries.length,
          },
          accounts: accounts.map((account) => ({
            phone: account.phone,
            wid: account.wid,
            lid: account.lid,
            pushname: account.pushname,
            chats: account.chats.size,
            unread: [...account.chats.values()].reduce((total, chat) => total + chat.unreadCount, 0),
            devices: [...account.devices.values()].map((device) => deviceView(parts, account, device)),
          })),
          waiting: [...parts.linking.waiting].map((waiting) => {
            const { noisePub, identityPub, advSecret, platform } = waiting.register;
            return {
              connection: waiting.connection.record.id,
              page_id: waiting.register.pageId,
              qr:
                waiting.ref === undefined
                  ? null
                  : [waiting.ref, noisePub, identityPub, advSecret, platform].join(','),
              qr_expires_at: waiting.ref === undefined ? null : isoTime(waiting.refExpiresAt),
              refs_left: waiting.remaining,
              code: waiting.code?.code ?? null,
              code_phone: waiting.code?.phone ?? null,
            };
          }),
          groups: [...parts.directory.groups.values()].map(groupView),
        },
      };
    },
  });
}
