import { afterEach, describe, expect, it } from 'vitest';
import { isWharfError } from '../../../common/errors.ts';
import type { AcceptedMessage } from '../../../fleet/queue/outgoing.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startWatchedRedis } from '../../helpers/redis-sentinel.ts';
import { connectSides, SESSION, sendAll, take, text } from './queue-parts.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

const answers = (asked: () => Promise<unknown>) =>
  eventually(
    () =>
      asked().then(
        () => true,
        () => false,
      ),
    60_000,
  );

describe('the queues, failed over by a sentinel', () => {
  it.each(['killed', 'hung'])(
    'have every message that was accepted, once, when the master was %s',
    async (fate) => {
      const watched = await startWatchedRedis(['--appendfsync', 'always']);
      opened.push(watched);
      // Sweeps are how a connection that has nothing else to do finds out that its other end hangs.
      const sides = await connectSides(watched.url, { sweepEvery: 500 });
      opened.push(sides);
      const { router, redis, instance } = sides;
      await eventually(async () => (await redis.set('probe', '1')) && (await redis.wait(1, 500)) > 0);
      const rung: string[] = [];
      instance.listen(SESSION.workspace, (session) => rung.push(session));

      // A client that hands each message in until it is accepted.
      const accepted: string[] = [];
      let isOver = false;
      let refusals = 0;
      const client = async () => {
        for (let index = 0; !isOver; index++) {
          const message: AcceptedMessage = text(String(index));
          while (!isOver) {
            try {
              await router.accept([message]);
              accepted.push(String(index));
              break;
            } catch (error) {
              expect(isWharfError(error, 'queue_unavailable')).toBe(true);
              refusals += 1;
              await new Promise((resolve) => setTimeout(resolve, 50));
            }
          }
        }
      };
      const working = client();
      await eventually(() => accepted.length > 50);
      if (fate === 'killed') await watched.master.kill();
      else watched.master.pause();
      await eventually(() => refusals > 0, 60_000);
      const before = accepted.length;
      await eventually(() => accepted.length > before + 20, 60_000);
      isOver = true;
      await working;
      const queue = sides.open();
      await answers(() => queue.next());
      const sent = await sendAll(queue);
      // What was given up at the end may have been written down as well.
      expect(sent.filter((body) => accepted.includes(body))).toEqual(accepted);
      expect(sent.length - accepted.length).toBeLessThanOrEqual(1);

      rung.length = 0;
      await eventually(async () => {
        await router.accept([text('rings')]);
        return rung.length > 0;
      });
      await take(queue);
    },
  );
});
