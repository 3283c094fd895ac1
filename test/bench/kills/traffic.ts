import type { KillableFleet } from './fleet.ts';

/** A session and the phone that linked it. */
export interface LinkedSession {
  id: string;
  phone: string;
}

/** What a burst was answered. */
export interface BurstResult {
  delivered: number;
  /** Ids of WhatsApp of outgoing messages that were sent. */
  answered: string[];
  /** Texts that ended otherwise while the instance ran. */
  refused: string[];
}

/** Messages each way in a burst at most: both bursts of a round stay within what one reading of a chat brings. */
const MOST = 220;

/**
 * Messages to and from a session, as fast as each side takes them, until the instance is gone or enough went.
 *
 * @param friend the other person's phone number
 * @param label is in every text, so that each is unique
 */
export async function burst(
  fleet: KillableFleet,
  session: LinkedSession,
  friend: string,
  label: string,
  over: AbortSignal,
): Promise<BurstResult> {
  const result: BurstResult = { delivered: 0, answered: [], refused: [] };
  await Promise.all([
    incoming(fleet, session, friend, label, over, result),
    outgoing(fleet, session, friend, label, over, result),
  ]);
  return result;
}

async function incoming(
  fleet: KillableFleet,
  { phone }: LinkedSession,
  friend: string,
  label: string,
  over: AbortSignal,
  result: BurstResult,
): Promise<void> {
  for (let number = 1; number <= MOST && !over.aborted; number += 1) {
    await fleet.emulator('POST', '/deliver', { phone, from: friend, body: `in ${number} ${label}` });
    result.delivered += 1;
  }
}

async function outgoing(
  fleet: KillableFleet,
  { id }: LinkedSession,
  friend: string,
  label: string,
  over: AbortSignal,
  result: BurstResult,
): Promise<void> {
  for (let number = 1; number <= MOST && !over.aborted; number += 1) {
    try {
      const text = `out ${number} ${label}`;
      const whatsappId = await fleet.send(id, friend, text);
      if (whatsappId !== null) result.answered.push(whatsappId);
      else result.refused.push(`${text} was not sent`);
    } catch {
      // The instance is gone: that is what the burst waits for.
      return;
    }
  }
}
