import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, KillableFleet } from './fleet.ts';
import type { LinkedSession } from './traffic.ts';

/** What is missing of one chat after a round. */
export interface ChatCheck {
  /** Messages that the device acknowledged, or the server has from it. */
  acknowledged: number;
  /** Those of them that the page's store no longer holds. */
  missing: string[];
  /** Messages that were not delivered, or not acknowledged by the server, in the end. */
  stuck: string[];
  /** Texts that the server has more than once. */
  doubled: string[];
}

interface Delivery {
  id: string;
  chat: string;
  result: string | null;
}

interface Sent {
  id: string;
  to: string;
  body: string;
  ack: number;
}

interface StoredMessage {
  whatsapp_id: string;
  text: string | null;
  from_me: boolean;
  ack: number | null;
}

const PATIENCE = 30_000;
const READING = 1000;

/**
 * Compares what the emulator saw of a chat with what the session's page holds of it, read through the instance's API. What is on its
 * way is waited for.
 *
 * @param answered ids of WhatsApp of messages that the instance answered as sent
 */
export async function checkChat(
  fleet: KillableFleet,
  session: LinkedSession,
  friend: string,
  answered: readonly string[],
): Promise<ChatCheck> {
  const chat = `${friend}@c.us`;
  const end = performance.now() + PATIENCE;
  for (;;) {
    const delivered = listOf<Delivery>(
      await fleet.emulator('GET', `/delivered?phone=${session.phone}`),
      'delivered',
    ).filter((delivery) => delivery.chat === chat);
    const sent = listOf<Sent>(
      await fleet.emulator('GET', `/sent?phone=${session.phone}&to=${friend}`),
      'sent',
    );
    const stored = listOf<StoredMessage>(
      await fleet.session('GET', session.id, `/chats/${encodeURIComponent(chat)}/messages?limit=${READING}`),
      'messages',
    );
    if (stored.length >= READING)
      throw new Error('a chat has more messages than are read of it: lower the burst');
    const held = new Set(stored.map((message) => bareId(message.whatsapp_id)));
    const acknowledged = new Set([
      ...delivered.filter(({ result }) => result !== null).map(({ id }) => id),
      ...sent.map(({ id }) => id),
      ...answered.map(bareId),
    ]);
    const serverHas = new Set(sent.filter(({ ack }) => ack >= 1).map(({ id }) => id));
    const check: ChatCheck = {
      acknowledged: acknowledged.size,
      missing: [
        ...[...acknowledged].filter((id) => !held.has(id)),
        ...answered.map(bareId).filter((id) => !serverHas.has(id)),
      ],
      stuck: [
        ...delivered.filter(({ result }) => result === null).map(({ id }) => id),
        ...stored
          .filter(({ from_me, ack }) => from_me && (ack ?? 0) < 1)
          .map(({ whatsapp_id }) => bareId(whatsapp_id)),
      ],
      doubled: doubles(sent.map(({ body }) => body)).concat(doubles(stored.map(({ text }) => text ?? ''))),
    };
    const settled = check.missing.length === 0 && check.stuck.length === 0;
    if (settled || performance.now() > end) return check;
    await sleep(200);
  }
}

/** `true_49..@c.us_ID` -> `ID`. */
function bareId(serialized: string): string {
  return serialized.split('_')[2] ?? serialized;
}

function doubles(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, index) => texts.indexOf(text) !== index))];
}

function listOf<T>(answer: Json, name: string): T[] {
  return answer[name] as T[];
}
