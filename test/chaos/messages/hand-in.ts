import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ask, type Json } from '../real/asking.ts';

/** Where and how a client hands in. */
export interface HandInPlace {
  url: string;
  headers: Readonly<Record<string, string>>;
  workspace: string;
  session: string;
}

/** Hands a message in once, under a key. */
export async function handIn(place: HandInPlace, key: string, body: Json): Promise<Answer> {
  const { url, headers, workspace, session } = place;
  const path = `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}`;
  return await ask('POST', `${url}${path}`, { ...headers, 'idempotency-key': key }, body, 20_000);
}

/**
 * Hands a message in as often as it takes, as a client does that has its key.
 *
 * @param heard every answer that was no success
 * @returns the message's id
 */
export async function handInUntilAccepted(
  place: HandInPlace,
  key: string,
  body: Json,
  heard: (answer: Answer) => void,
): Promise<string> {
  for (;;) {
    const answer = await handIn(place, key, body);
    if (answer.kind === 'answered' && answer.status === 202) return String(answer.body['message_id']);
    if (answer.kind === 'answered' && answer.status < 500)
      throw new Error(`${key} was refused: ${answer.status} ${JSON.stringify(answer.body)}`);
    heard(answer);
    await sleep(50);
  }
}
