import { z } from 'zod';
import type { DeviceFrame } from '../protocol/frames.ts';
import type { Content, Message } from '../protocol/messages.ts';
import { WIRE_ID_PATTERN } from './ids.ts';

const wireId = z.string().regex(WIRE_ID_PATTERN, 'must be an id such as 491700000001@c.us');
const messageId = z.string().regex(/^[A-Za-z0-9.-]{1,128}$/, 'must be a message id');
const text = z.string().max(70_000);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const key = z.string().min(1).max(64);
const seconds = z.int().min(0).max(100_000_000_000);
const base64Key = z.base64().length(44, 'must be 32 bytes in base64');
const digits = z.string().regex(/^\d{1,20}$/, 'must be digits only');

const reference = z.strictObject({ id: messageId, sender: wireId });
const vcard = { displayName: text, vcard: text };

/** What a message carries, checked. */
export const contentSchema: z.ZodType<Content> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('chat'), body: text }),
  z.strictObject({
    type: z.enum(['image', 'video', 'audio', 'ptt', 'document', 'sticker']),
    mimetype: z.string().min(1).max(200),
    directPath: z.string().regex(/^\/mms\/[a-z]+\/[A-Za-z0-9_-]+$/, 'must be /mms/{type}/{token}'),
    mediaKey: z.base64(),
    filehash: z.base64(),
    size: count,
    caption: text.exactOptional(),
    filename: z.string().max(1000).exactOptional(),
    duration: z.number().min(0).exactOptional(),
    width: count.exactOptional(),
    height: count.exactOptional(),
  }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    description: text.exactOptional(),
    url: text.exactOptional(),
  }),
  z.strictObject({ type: z.literal('vcard'), ...vcard }),
  z.strictObject({ type: z.literal('multi_vcard'), contacts: z.array(z.strictObject(vcard)).max(1000) }),
  z.strictObject({
    type: z.literal('poll_creation'),
    name: text,
    options: z.array(text).max(100),
    selectableCount: count,
  }),
  z.strictObject({ type: z.literal('poll_vote'), target: reference, options: z.array(text).max(100) }),
  z.strictObject({ type: z.literal('reaction'), target: reference, emoji: z.string().max(100) }),
  z.strictObject({ type: z.literal('edit'), target: reference, body: text }),
  z.strictObject({ type: z.literal('revoke'), target: reference }),
  z.strictObject({
    type: z.literal('other'),
    kind: z.string().max(100),
    data: z.record(z.string(), z.unknown()),
  }),
]);

const quoted = z.strictObject({ id: messageId, sender: wireId, content: contentSchema });

const common = {
  id: messageId,
  chat: wireId,
  t: seconds,
  content: contentSchema,
  quoted: quoted.exactOptional(),
  mentions: z.array(wireId).max(2000).exactOptional(),
  forwarded: z.boolean().exactOptional(),
};

/** A message as the emulator keeps it. */
export const messageSchema: z.ZodType<Message> = z.strictObject({
  ...common,
  sender: wireId,
  pushname: z.string().max(1000).exactOptional(),
  ack: z.literal([-1, 0, 1, 2, 3, 4]).exactOptional(),
});

const credentials = z.strictObject({ device: z.string().max(64), secret: z.string().max(128) });
const pageId = z.string().min(1).max(100);

const query = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('request_code'), phone: digits }),
  z.strictObject({ name: z.literal('exists'), phone: digits }),
  z.strictObject({ name: z.literal('contact'), id: wireId }),
  z.strictObject({ name: z.literal('group'), id: wireId }),
  z.strictObject({
    name: z.literal('earlier'),
    chat: wireId,
    before: seconds,
    count: z.int().min(0).max(10_000),
  }),
  z.strictObject({
    name: z.literal('create_group'),
    subject: z.string().max(1000),
    participants: z.array(wireId).max(2000),
  }),
  z.strictObject({
    name: z.literal('change_participants'),
    id: wireId,
    action: z.enum(['add', 'remove', 'promote', 'demote']),
    participants: z.array(wireId).max(2000),
  }),
  z.strictObject({
    name: z.literal('change_group'),
    id: wireId,
    subject: z.string().max(1000).exactOptional(),
    description: z.string().max(10_000).exactOptional(),
  }),
  z.strictObject({ name: z.literal('profile_picture'), id: wireId }),
]);

const frameSchema: z.ZodType<DeviceFrame> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('register'),
    pageId,
    noisePub: base64Key,
    identityPub: base64Key,
    advSecret: base64Key,
    platform: z.string().min(1).max(50),
    name: z.string().max(200).exactOptional(),
    keys: z.array(key).max(1000),
  }),
  z.strictObject({ type: z.literal('refresh_refs') }),
  z.strictObject({ type: z.literal('paired') }),
  z.strictObject({ type: z.literal('login'), pageId, credentials, deliverySeq: count, sendSeq: count }),
  z.strictObject({ type: z.literal('history_stored') }),
  z.strictObject({
    type: z.literal('ack'),
    seq: count,
    result: z.enum(['stored', 'duplicate', 'unreadable']),
    key: key.exactOptional(),
  }),
  z.strictObject({ type: z.literal('send'), seq: count, peerSeq: count, message: z.strictObject(common) }),
  z.strictObject({ type: z.literal('keys'), keys: z.array(key).max(1000) }),
  z.strictObject({ type: z.literal('seen'), chat: wireId, messages: z.array(reference).max(10_000) }),
  z.strictObject({ type: z.literal('query'), queryId: count, query }),
  z.strictObject({ type: z.literal('logout') }),
]);

/**
 * Reads one frame of a device.
 *
 * @returns the frame, or in words what is wrong with it
 */
export function parseFrame(data: string): { frame: DeviceFrame } | { fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { fault: 'the frame is not JSON' };
  }
  const parsed = frameSchema.safeParse(value);
  if (parsed.success) return { frame: parsed.data };
  const faults = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'frame'}: ${issue.message}`);
  return { fault: faults.join('; ') };
}
