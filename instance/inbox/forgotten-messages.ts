import { messageIdOf, type SessionKey } from '../../fleet/queue/message-ids.ts';
import type { Happening, HistoryPart } from '../whatsapp/client.ts';

/** The queue remembers its messages for a day after their end at least (`QueueCleaner`), by another clock; seconds. */
const REMEMBERED = 20 * 3600;

/**
 * Leaves out of a chat's history what may be messages of ours that the queue has forgotten: they would look as if they were sent elsewhere. What is not later than
 * the chat's mark was told or known as ours when it was seen first, so nothing is missed. Pure.
 *
 * @param mark of the chat, Unix seconds, as is `now`
 */
export function withoutForgotten(
  key: SessionKey,
  part: HistoryPart,
  mark: number | undefined,
  now: number,
): HistoryPart {
  const last = Math.min(mark ?? 0, now - REMEMBERED);
  const isForgotten = (happening: Happening) =>
    happening.kind === 'message' &&
    Date.parse(happening.message.timestamp) <= last * 1000 &&
    messageIdOf(key, happening.message.whatsapp_id) !== undefined;
  return { ...part, happened: part.happened.filter((happening) => !isForgotten(happening)) };
}
