import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import type { MessagesFleet } from './fleet.ts';
import { hasEnded, type SeenMessage } from './outgoing-check.ts';
import type { Accepted } from './senders.ts';

/** So long nothing may move before it is given up, milliseconds: a takeover, a restart that is put off, and webhooks that back off are shorter. */
const STANDSTILL = 180_000;
/** Between two looks, milliseconds. */
const PAUSE = 1000;

/** Questions that are asked at one time. */
const AT_ONCE = 8;

/** How a message is now; undefined where Wharf knows of none. Throws where nobody answers. */
async function look(fleet: MessagesFleet, message: Accepted): Promise<SeenMessage | undefined> {
  for (let router = 0; ; router += 1) {
    const answer = await fleet.ask(router, 'GET', `/api/whatsapp/messages/${message.id}`);
    if (answer.kind === 'answered' && answer.status === 200) return answer.body as unknown as SeenMessage;
    if (answer.kind === 'answered' && answer.status === 404) return undefined;
    if (router >= 50) throw new Error(`no router tells of ${message.id}: ${JSON.stringify(answer)}`);
    await sleep(200);
  }
}

/** How all messages are now. */
export async function lookAtAll(
  fleet: MessagesFleet,
  messages: readonly Accepted[],
): Promise<Map<string, SeenMessage>> {
  const seen = new Map<string, SeenMessage>();
  await pMap(
    messages,
    async (message) => {
      const found = await look(fleet, message);
      if (found !== undefined) seen.set(message.id, found);
    },
    { concurrency: AT_ONCE },
  );
  return seen;
}

/** Waits until all messages have ended. False where some stand still. */
export async function allEnded(
  fleet: MessagesFleet,
  messages: readonly Accepted[],
  say: (text: string) => void,
): Promise<boolean> {
  // Each line in order: who is not at its end holds up those behind.
  const lines = new Map<string, Accepted[]>();
  for (const message of messages) {
    const line = `${message.session} ${message.priority}`;
    const list = lines.get(line) ?? [];
    list.push(message);
    lines.set(line, list);
  }
  const left = () => [...lines.values()].reduce((sum, line) => sum + line.length, 0);
  return await moves(left, say, 'messages under way', async () => {
    await pMap(
      [...lines.values()],
      async (line) => {
        for (let head = line[0]; head !== undefined; head = line[0]) {
          const seen = await look(fleet, head);
          if (seen !== undefined && !hasEnded(seen)) return;
          line.shift();
        }
      },
      { concurrency: AT_ONCE },
    );
  });
}

/**
 * Waits until nothing is left. False where that stands still for too long.
 *
 * @param left how much is
 * @param update brings that up to date
 */
export async function moves(
  left: () => number,
  say: (text: string) => void,
  what: string,
  update: () => Promise<void> = async () => {},
): Promise<boolean> {
  let least = Number.POSITIVE_INFINITY;
  let movedAt = performance.now();
  let saidAt = performance.now();
  for (;;) {
    await update();
    const now = left();
    if (now === 0) return true;
    if (now < least) {
      least = now;
      movedAt = performance.now();
    }
    if (performance.now() - movedAt > STANDSTILL) return false;
    if (performance.now() - saidAt > 10_000) {
      say(`${now} ${what}`);
      saidAt = performance.now();
    }
    await sleep(PAUSE);
  }
}
