import { whatsappKeyOf } from '../../../fleet/queue/message-ids.ts';
import type { SentByDevice } from '../real/phones.ts';
import type { ReceivedEvent } from './receiver.ts';
import type { Accepted } from './senders.ts';

/** What GET `/api/whatsapp/messages/{message_id}` says of a message, as far as it is looked at. */
export interface SeenMessage {
  status: string;
  whatsapp_id: string | null;
  error: { code: string; detail: string } | null;
}

/** What is wrong with outgoing messages, each for people; and what is worth a figure. */
export interface OutgoingFindings {
  /** Accepted, told as sent or not ended, and WhatsApp does not have it; or nobody knows of it. */
  lost: string[];
  /** One text under two WhatsApp ids. */
  duplicated: string[];
  /** Came to WhatsApp after one of the same session and priority that was accepted later. */
  outOfOrder: string[];
  /** Told as failed: here nothing gives a reason to. */
  failed: string[];
  /** Told as failed, and WhatsApp has it. */
  failedThatLeft: string[];
  /** Left under an id that does not follow from Wharf's. */
  otherIds: string[];
  /** The state in which it ended was told by no event. */
  withoutEvent: string[];
  /** One message, one status, and events of two ids. */
  eventsOfTwoIds: string[];
  /** Told as unknown, by code. */
  unknown: Record<string, number>;
  /** Of those, how many WhatsApp has all the same. */
  unknownThatLeft: number;
  /** Messages that reached WhatsApp more than once under their one id; the recipient has them once. */
  sentAgain: number;
}

const SENT: ReadonlySet<string> = new Set(['sent', 'delivered', 'read']);

/** Whether a message has come to its end. */
export function hasEnded(seen: SeenMessage | undefined): boolean {
  return seen !== undefined && (SENT.has(seen.status) || ['failed', 'unknown'].includes(seen.status));
}

/**
 * Compares what clients were told with what WhatsApp has and what events said. Pure.
 *
 * @param seen the state of each accepted message, by id
 * @param sent what devices sent, in the order of arrival
 * @param events events that the application took
 */
export function checkOutgoing(
  accepted: readonly Accepted[],
  seen: ReadonlyMap<string, SeenMessage>,
  sent: readonly SentByDevice[],
  events: readonly ReceivedEvent[],
): OutgoingFindings {
  const findings: OutgoingFindings = {
    lost: [],
    duplicated: [],
    outOfOrder: [],
    failed: [],
    failedThatLeft: [],
    otherIds: [],
    withoutEvent: [],
    eventsOfTwoIds: [],
    unknown: {},
    unknownThatLeft: 0,
    sentAgain: 0,
  };
  const arrived = new Map<string, SentByDevice[]>();
  for (const each of sent) {
    if (each.body === null || each.ack < 1) continue;
    arrived.set(each.body, [...(arrived.get(each.body) ?? []), each]);
  }
  const told = toldByEvents(events, findings);
  for (const message of accepted) judge(message, seen.get(message.id), arrived, told, findings);
  order(accepted, arrived, findings);
  return findings;
}

/** What events said: message and status. */
function toldByEvents(events: readonly ReceivedEvent[], findings: OutgoingFindings): Set<string> {
  const ids = new Map<string, string>();
  for (const { id, type, data } of events) {
    if (type !== 'message.status' || typeof data.message_id !== 'string') continue;
    const what = `${data.message_id} ${data.status}`;
    const before = ids.get(what);
    if (before !== undefined && before !== id) findings.eventsOfTwoIds.push(`${what}: ${before} and ${id}`);
    ids.set(what, id);
  }
  return new Set(ids.keys());
}

function judge(
  message: Accepted,
  seen: SeenMessage | undefined,
  arrived: ReadonlyMap<string, SentByDevice[]>,
  told: ReadonlySet<string>,
  findings: OutgoingFindings,
): void {
  const here = arrived.get(message.text) ?? [];
  const shown = `${message.id} "${message.text}" (${seen === undefined ? 'not known' : seen.status}${seen?.error ? ` ${seen.error.code}` : ''})`;
  if (here.length > 1)
    findings.duplicated.push(`${shown}: WhatsApp has ${here.map(({ id }) => id).join(' and ')}`);
  if (here.some(({ attempts }) => attempts > 1)) findings.sentAgain += 1;
  if (here.some(({ id }) => id !== whatsappKeyOf(message.id)))
    findings.otherIds.push(`${shown}: WhatsApp has ${here.map(({ id }) => id).join(' and ')}`);
  if (seen?.status === 'unknown') {
    const why = seen.error?.code ?? 'no reason';
    findings.unknown[why] = (findings.unknown[why] ?? 0) + 1;
    if (here.length > 0) findings.unknownThatLeft += 1;
  } else if (seen?.status === 'failed') {
    (here.length > 0 ? findings.failedThatLeft : findings.failed).push(shown);
  } else if (here.length === 0 || !hasEnded(seen)) {
    findings.lost.push(shown);
  }
  if (seen !== undefined && hasEnded(seen) && !told.has(`${message.id} ${seen.status}`))
    findings.withoutEvent.push(shown);
}

/** Of each session and priority, first arrivals against the order of acceptance. */
function order(
  accepted: readonly Accepted[],
  arrived: ReadonlyMap<string, SentByDevice[]>,
  findings: OutgoingFindings,
): void {
  const lines = new Map<string, { message: Accepted; position: number }[]>();
  for (const message of accepted) {
    const [first] = arrived.get(message.text) ?? [];
    if (first === undefined) continue;
    const line = `${message.session} ${message.priority}`;
    lines.set(line, [...(lines.get(line) ?? []), { message, position: first.position }]);
  }
  for (const line of lines.values()) {
    let last = -1;
    for (const { message } of line.sort((one, other) => one.position - other.position)) {
      if (message.order < last) findings.outOfOrder.push(`${message.id} "${message.text}"`);
      last = Math.max(last, message.order);
    }
  }
}
