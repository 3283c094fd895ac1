import type { QueuedMessage } from '../../fleet/queue/outgoing.ts';
import type { Ack, Fate } from '../whatsapp/client.ts';

/** What is done with a message that may have left. */
export type Recovery =
  /** Its fate is known by this ack, -1 included. */
  | { kind: 'settled'; whatsappId: string; ack: Ack }
  /** The page has it and sends it by itself: nothing but its ack is waited for. */
  | { kind: 'await'; whatsappId: string }
  /** The page is at it still. */
  | { kind: 'ask_again' }
  /** It did certainly not leave. */
  | { kind: 'not_left' }
  /** Nobody knows, and its sender wants it sent again under the same id. */
  | { kind: 'resend' }
  /** Nobody knows, and that is what is told. */
  | { kind: 'unknown' };

/**
 * Decides by what the session's history says. Absence proves nothing: a page that was lost may have sent what it had not stored.
 *
 * @param attempts times it was handed to a page
 * @param limit of those; a message that breaks every page it is handed to is not handed out for ever
 */
export function recover(
  fate: Fate,
  policy: QueuedMessage['on_unknown'],
  attempts: number,
  limit: number,
): Recovery {
  switch (fate.kind) {
    case 'present':
      if (fate.ack === 0) return { kind: 'await', whatsappId: fate.whatsappId };
      return { kind: 'settled', whatsappId: fate.whatsappId, ack: fate.ack };
    case 'storing':
      return { kind: 'ask_again' };
    case 'refused':
      return { kind: 'not_left' };
    case 'absent':
      return { kind: policy === 'resend' && attempts < limit ? 'resend' : 'unknown' };
  }
}
