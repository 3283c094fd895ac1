import type { MessageStatus } from '../messages.ts';
import type { MessageFault, MessageState } from './outgoing.ts';

/**
 * How far a status is. A message only goes forward: what is told late, twice or by several changes nothing that is known better. `failed` stands after `unknown`, since
 * a fate may turn out bad, and before `sent`: an ack proves that the message left, whatever was believed.
 *
 *     queued -> sending -> unknown -> failed -> sent -> delivered -> read     (any may be skipped)
 *
 * `commands/shared.lua` holds the same rules; `message-state.test.ts` lets both judge the same stories.
 */
const RANK: Readonly<Record<MessageStatus, number>> = {
  queued: 0,
  sending: 1,
  unknown: 2,
  failed: 3,
  sent: 4,
  delivered: 5,
  read: 6,
};

/** A message that nobody has taken up. */
export const QUEUED: Readonly<MessageState> = {
  status: 'queued',
  whatsapp_id: null,
  attempts: 0,
  error: null,
  sending_at: null,
  sent_at: null,
  delivered_at: null,
  read_at: null,
  ended_at: null,
};

/** What WhatsApp says of a message: -1 failed, 0 not with the server yet, 1 with the server, 2 delivered, 3 read, 4 played. */
export interface Ack {
  /** WhatsApp's serialized id of the message. */
  whatsappId: string;
  ack: number;
  /** When, ISO 8601. */
  at: string;
}

/** True where the server had it: an ack told. */
export function wasSent(status: MessageStatus): boolean {
  return RANK[status] >= RANK.sent;
}

/** What is known after `told`, where `known` was before: the later status, and of each time the one told first. */
export function advance(known: MessageState, told: MessageState): MessageState {
  const later = RANK[told.status] > RANK[known.status] ? told : known;
  const other = later === told ? known : told;
  const same = other.status === later.status;
  const sent = wasSent(later.status);
  return {
    status: later.status,
    whatsapp_id: known.whatsapp_id ?? told.whatsapp_id,
    attempts: Math.max(known.attempts, told.attempts),
    error: sent ? null : (later.error ?? (same ? other.error : null)),
    sending_at: known.sending_at ?? told.sending_at,
    sent_at: known.sent_at ?? told.sent_at,
    delivered_at: known.delivered_at ?? told.delivered_at,
    read_at: known.read_at ?? told.read_at,
    ended_at: sent ? null : (later.ended_at ?? (same ? other.ended_at : null)),
  };
}

/** What an ack tells of a message, for {@link advance}; undefined where it tells nothing new. */
export function toldByAck(known: MessageState, { whatsappId, ack, at }: Ack): MessageState | undefined {
  const told = { ...QUEUED, whatsapp_id: whatsappId };
  if (ack >= 3) return { ...told, status: 'read', sent_at: at, delivered_at: at, read_at: at };
  if (ack === 2) return { ...told, status: 'delivered', sent_at: at, delivered_at: at };
  if (ack === 1) return { ...told, status: 'sent', sent_at: at };
  // A message in hand is its holder's to judge: the page may still send it. One that was given up as unknown is not sent by anybody any more.
  if (ack < 0 && known.status === 'unknown') {
    const error: MessageFault = {
      code: 'send_failed',
      detail: 'WhatsApp Web says that it could not send the message.',
    };
    return { ...told, status: 'failed', error, ended_at: at };
  }
  return undefined;
}

/** True where nothing more is to be learned of a message. */
export function isSettled(status: MessageStatus): boolean {
  return status === 'read' || status === 'failed';
}
