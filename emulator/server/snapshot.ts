import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import type { Directory } from './directory.ts';
import { contentSchema, messageSchema } from './frames.ts';
import type { Ledger } from './ledger.ts';
import type { Account, Device } from './model.ts';

/** Sent records a snapshot holds, the newest: enough to know repeats after a restart. */
const SENT_KEPT = 5000;

/**
 * Added to the sequences towards devices when a snapshot is restored: after a kill the snapshot may be older than what was delivered last, and a seq
 * used twice would make devices take a new message for a repeat. For the same reason one-time keys are not taken back: a key may have been used
 * since, and devices upload new ones at their next login.
 */
const SEQUENCE_MARGIN = 1000;

const text = z.string();
const number = z.number();
const ack = z.literal([-1, 0, 1, 2, 3, 4]);
const envelope = z.strictObject({
  peer: text,
  session: text,
  seq: number,
  first: z.boolean(),
  repeat: z.boolean(),
});
const contact = z.strictObject({
  id: text,
  lid: text.exactOptional(),
  name: text.exactOptional(),
  pushname: text.exactOptional(),
  isBusiness: z.boolean().exactOptional(),
});
const group = z.strictObject({
  id: text,
  subject: text,
  description: text.exactOptional(),
  owner: text,
  createdAt: number,
  participants: z.array(z.strictObject({ id: text, admin: z.boolean(), superAdmin: z.boolean() })),
});
const item = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('message'), message: messageSchema, envelope }),
  z.strictObject({
    kind: z.literal('receipt'),
    ids: z.array(text),
    chat: text,
    ack,
    by: text.exactOptional(),
  }),
  z.strictObject({ kind: z.literal('group'), group }),
  z.strictObject({ kind: z.literal('contact'), contact }),
  z.strictObject({ kind: z.literal('chat_read'), chat: text }),
]);
const parcel = z.strictObject({ seq: number, item, offline: z.boolean(), sends: number });
const entries = <Value extends z.ZodType>(value: Value) => z.array(z.tuple([text, value]));

const sequence = z.strictObject({ highest: number, gaps: z.array(number) });

const device = z.strictObject({
  id: text,
  number,
  secret: text,
  name: text,
  platform: text,
  linkedAt: number,
  confirmed: z.boolean(),
  historyStored: z.boolean(),
  lastSeen: number.optional(),
  deliverySeq: number,
  ackedSeq: number,
  sendSequence: sequence,
  peerSequences: entries(sequence),
  keys: z.array(text),
  sessions: entries(z.strictObject({ session: text, seq: number })),
  mailbox: z.array(parcel),
  unreadable: entries(z.strictObject({ message: messageSchema, envelope, key: text.optional() })),
  logins: number,
  conflicts: number,
  rollbacks: number,
  unreadableCount: number,
});

const account = z.strictObject({
  phone: text,
  wid: text,
  lid: text,
  pushname: text,
  lastDevice: number,
  devices: z.array(device),
  contacts: z.array(contact),
  chats: z.array(z.strictObject({ id: text, messages: z.array(messageSchema), unreadCount: number })),
});

const sent = z.strictObject({
  position: number,
  id: text,
  phone: text,
  device: text,
  chat: text,
  content: contentSchema,
  seq: number,
  peerSeq: number,
  attempts: z.array(z.strictObject({ time: number, device: text, connection: number, seq: number })),
  ack,
  ackTimes: z.partialRecord(z.enum(['-1', '0', '1', '2', '3', '4']), number),
  reason: text.optional(),
  told: ack,
});

const snapshotSchema = z.strictObject({
  version: z.literal(1),
  accounts: z.array(account),
  groups: z.array(group),
  sent: z.array(sent),
});

/** All that outlives a restart of the emulator, as JSON. */
export function takeSnapshot(directory: Directory, ledger: Ledger): string {
  const snapshot: z.input<typeof snapshotSchema> = {
    version: 1,
    accounts: [...directory.accounts.values()].map((one) => ({
      ...one,
      devices: [...one.devices.values()].map(saveDevice),
      contacts: [...one.contacts.values()],
      chats: [...one.chats.values()],
    })),
    groups: [...directory.groups.values()].map((one) => ({ ...one, participants: [...one.participants] })),
    sent: ledger.sent.slice(-SENT_KEPT),
  };
  return JSON.stringify(snapshot);
}

/**
 * Puts a snapshot's content into an empty directory and ledger.
 *
 * @param source names the file, for the error
 * @throws WharfError `config_invalid` when it is not a snapshot of this version
 */
export function restoreSnapshot(json: string, source: string, directory: Directory, ledger: Ledger): void {
  const parsed = snapshotSchema.safeParse(parseJson(json, source));
  if (!parsed.success) {
    const first = parsed.error.issues[0];
    throw unusable(source, `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`, parsed.error);
  }
  for (const one of parsed.data.accounts) {
    const restored: Account = {
      ...one,
      devices: new Map(one.devices.map((saved) => [saved.id, restoreDevice(saved)])),
      contacts: new Map(one.contacts.map((saved) => [saved.id, saved])),
      chats: new Map(one.chats.map((saved) => [saved.id, saved])),
    };
    directory.accounts.set(one.phone, restored);
  }
  for (const one of parsed.data.groups) directory.groups.set(one.id, one);
  for (const one of parsed.data.sent) ledger.restore({ ...one, reason: one.reason });
}

function saveDevice(one: Device): z.input<typeof device> {
  return {
    ...one,
    peerSequences: [...one.peerSequences],
    sessions: [...one.sessions],
    mailbox: [...one.mailbox.values()].map((parcelled) => ({ ...parcelled, item: plain(parcelled.item) })),
    unreadable: [...one.unreadable],
  };
}

function restoreDevice(saved: z.output<typeof device>): Device {
  return {
    ...saved,
    lastSeen: saved.lastSeen,
    deliverySeq: saved.deliverySeq + SEQUENCE_MARGIN,
    keys: [],
    peerSequences: new Map(saved.peerSequences),
    sessions: new Map(
      saved.sessions.map(([peer, one]) => [peer, { ...one, seq: one.seq + SEQUENCE_MARGIN }]),
    ),
    mailbox: new Map(saved.mailbox.map((one) => [one.seq, one])),
    unreadable: new Map(saved.unreadable.map(([id, one]) => [id, { ...one, key: one.key }])),
  };
}

/** The item with mutable arrays, as the schema's input type wants them. */
function plain(
  value: Device['mailbox'] extends Map<number, infer One extends { item: unknown }> ? One['item'] : never,
): z.input<typeof item> {
  return structuredClone(value) as z.input<typeof item>;
}

function parseJson(json: string, source: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw unusable(source, 'it is not JSON', error);
  }
}

function unusable(source: string, why: string, cause: unknown): WharfError {
  return new WharfError(
    'config_invalid',
    `The emulator's saved state in ${source} cannot be used (${why.slice(0, 300)}). Remove the file to begin afresh: all accounts are then unlinked.`,
    { cause },
  );
}
