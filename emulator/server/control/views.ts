import type { Group } from '../../protocol/chats.ts';
import type { ConnectionRecord } from '../connections.ts';
import { serializedId } from '../ids.ts';
import type { DeliveryRecord, SentRecord } from '../ledger.ts';
import type { Account, Device } from '../model.ts';
import { type ControlParts, isoTime } from './parts.ts';

/** A device, as `/state` and the linking routes show it. Nothing secret. */
export function deviceView(parts: Pick<ControlParts, 'connections'>, account: Account, device: Device) {
  const connection = parts.connections.of(device.id);
  return {
    phone: account.phone,
    wid: account.wid,
    lid: account.lid,
    device: device.id,
    number: device.number,
    name: device.name,
    platform: device.platform,
    confirmed: device.confirmed,
    linked_at: isoTime(device.linkedAt),
    last_seen: isoTime(device.lastSeen),
    connected: connection !== undefined,
    synced: connection?.synced ?? false,
    connections: parts.connections.allOf(device.id).map((one) => one.record.id),
    page_id: connection?.record.pageId ?? null,
    history_stored: device.historyStored,
    delivery_seq: device.deliverySeq,
    acked_seq: device.ackedSeq,
    queued: device.mailbox.size,
    send_seq: device.sendSequence.highest,
    keys_left: device.keys.length,
    waiting_for_repeat: [...device.unreadable.keys()],
    logins: device.logins,
    conflicts: device.conflicts,
    rollbacks: device.rollbacks,
    unreadable: device.unreadableCount,
  };
}

/** A connection with its exact times. `mono_ms` values are of the emulator's monotonic clock, as in the log. */
export function connectionView(record: ConnectionRecord) {
  return {
    connection: record.id,
    device: record.device ?? null,
    page_id: record.pageId ?? null,
    remote_port: record.remotePort,
    connected_at: isoTime(record.connectedAt),
    logged_in_at: isoTime(record.loggedInAt),
    disconnected_at: isoTime(record.disconnectedAt),
    connected_mono_ms: record.connectedMono,
    logged_in_mono_ms: record.loggedInMono ?? null,
    disconnected_mono_ms: record.disconnectedMono ?? null,
    reason: record.reason ?? null,
  };
}

/** A sent message, with every attempt. `id` is bare; `serialized` is what the sender's client calls it. */
export function sentView(record: SentRecord) {
  const { content } = record;
  const body =
    'body' in content
      ? content.body
      : 'caption' in content
        ? content.caption
        : 'name' in content
          ? content.name
          : undefined;
  const wid = `${record.phone}@c.us`;
  return {
    position: record.position,
    id: record.id,
    serialized: serializedId(true, record.chat, record.id, wid),
    phone: record.phone,
    device: record.device,
    to: record.chat,
    type: content.type,
    body: body ?? null,
    content,
    time: isoTime(record.attempts[0]?.time),
    seq: record.seq,
    peer_seq: record.peerSeq,
    attempts: record.attempts.length,
    attempt_list: record.attempts.map((attempt) => ({ ...attempt, time: isoTime(attempt.time) })),
    ack: record.ack,
    ack_times: Object.fromEntries(
      Object.entries(record.ackTimes).map(([level, time]) => [level, isoTime(time)]),
    ),
    told: record.told,
    reason: record.reason ?? null,
  };
}

/** A message on its way to a device. */
export function deliveryView(record: DeliveryRecord) {
  return {
    position: record.position,
    id: record.id,
    phone: record.phone,
    device: record.device,
    from: record.from,
    chat: record.chat,
    type: record.type,
    seq: record.seq,
    queued_at: isoTime(record.queuedAt),
    sends: record.sends,
    acked_at: isoTime(record.ackedAt),
    result: record.result ?? null,
    seen_at: isoTime(record.seenAt),
  };
}

/** A group with its members. */
export function groupView(group: Group) {
  return {
    id: group.id,
    subject: group.subject,
    description: group.description ?? null,
    owner: group.owner,
    created_at: isoTime(group.createdAt * 1000),
    participants: group.participants.map(({ id, admin, superAdmin }) => ({
      id,
      admin,
      super_admin: superAdmin,
    })),
  };
}
