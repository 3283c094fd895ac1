import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '../../helpers/random.ts';
import type { ProvenSession } from './fleet.ts';

/** How much is sent over all sessions. */
export interface Load {
  messages: number;
  /** Messages a second, at most. */
  rate: number;
  /** Gives each session random numbers of its own. */
  seed: number;
}

/** What one session has of it. */
export interface Share {
  session: ProvenSession;
  /** Of the session among all. */
  index: number;
  messages: number;
  random: SeededRandom;
  /** Waits until this many may have been sent since it began. */
  pace(sent: number): Promise<void>;
}

/** Gives each session its share, all at one time, and waits for them. */
export async function share(
  sessions: readonly ProvenSession[],
  { messages, rate, seed }: Load,
  send: (share: Share) => Promise<void>,
): Promise<void> {
  const count = sessions.length;
  await Promise.all(
    sessions.map((session, index) => {
      const began = performance.now();
      return send({
        session,
        index,
        messages: Math.floor(messages / count) + (index < messages % count ? 1 : 0),
        random: new SeededRandom(seed + index),
        pace: (sent) => sleep(Math.max(0, began + (sent / (rate / count)) * 1000 - performance.now())),
      });
    }),
  );
}
