import type { ReceivedEvent } from './receiver.ts';
import type { Written } from './writers.ts';

/** What is wrong with incoming messages, each for people; and what is worth a figure. */
export interface IncomingFindings {
  /** Written, and no event came. */
  missing: string[];
  /** One message, and events of two ids. */
  eventsOfTwoIds: string[];
  /** Came after a later one of the same chat. */
  outOfOrderInChat: string[];
  /** Came after a later one of the same session, from another chat. */
  outOfOrderInSession: number;
  /** Came while the session was down, and was found afterwards. */
  late: number;
}

/**
 * Compares what was written with the events that the application took. Pure.
 *
 * @param events in the order of their first taking
 */
export function checkIncoming(
  written: readonly Written[],
  events: readonly ReceivedEvent[],
): IncomingFindings {
  const findings: IncomingFindings = {
    missing: [],
    eventsOfTwoIds: [],
    outOfOrderInChat: [],
    outOfOrderInSession: 0,
    late: 0,
  };
  const known = new Map(written.map((each) => [keyOf(each.session, each.whatsappId), each]));
  const seen = new Map<string, string>();
  const lastInChat = new Map<string, number>();
  const lastInSession = new Map<string, number>();
  for (const { id, type, session_id, data } of events) {
    if (type !== 'message.received') continue;
    const key = keyOf(String(session_id), String(data.whatsapp_id));
    const message = known.get(key);
    if (message === undefined) continue;
    const before = seen.get(key);
    if (before !== undefined) {
      if (before !== id) findings.eventsOfTwoIds.push(`${key}: ${before} and ${id}`);
      continue;
    }
    seen.set(key, id);
    if (data.late === true) findings.late += 1;
    const chat = `${message.session} ${message.chat}`;
    if (message.order < (lastInChat.get(chat) ?? -1))
      findings.outOfOrderInChat.push(`${key} in ${message.chat}`);
    if (message.order < (lastInSession.get(message.session) ?? -1)) findings.outOfOrderInSession += 1;
    lastInChat.set(chat, Math.max(lastInChat.get(chat) ?? -1, message.order));
    lastInSession.set(message.session, Math.max(lastInSession.get(message.session) ?? -1, message.order));
  }
  findings.missing = [...known.keys()].filter((key) => !seen.has(key));
  return findings;
}

function keyOf(session: string, whatsappId: string): string {
  return `${session} ${whatsappId}`;
}
