import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { EventData } from '../../fleet/events/event.ts';
import { RedisEventLog } from '../../fleet/events/redis-event-log.ts';
import { RedisChannels } from '../../fleet/redis-channels.ts';
import { eventually } from '../helpers/eventually.ts';
import { aPhone, OutboxFleet } from '../helpers/outbox-fleet.ts';
import { signalOne } from '../helpers/processes.ts';
import { SeededRandom } from '../helpers/random.ts';
import type { SupervisedInstance } from '../helpers/supervised-instance.ts';

const FRIENDS = ['491711111130', '491711111131', '491711111132'];
const MESSAGES = 240;
const KILLS = 5;

/** What is killed, in turn: the instance alone (its browsers die with it), a browser alone, both, Redis (which finds its file again). */
describe('messages that come while their instance is killed with kill -9, again and again', () => {
  let fleet: OutboxFleet;
  let one: SupervisedInstance;
  let redis: Redis;
  let events: RedisEventLog;
  const phones = new Map([
    ['7', aPhone()],
    ['8', aPhone()],
  ]);
  beforeAll(async () => {
    fleet = await OutboxFleet.start();
    one = fleet.instance();
    for (const [workspace, phone] of phones) await fleet.linked(one, workspace, phone);
    const log = createLogger('silent', {});
    redis = await connectRedis(parseRedisUrl(fleet.redis.url), log);
    events = new RedisEventLog(redis, new RedisChannels(redis), 3_600_000, log);
  }, 120_000);
  afterAll(async () => {
    redis.disconnect();
    await fleet.close();
  });

  async function received(workspace: string): Promise<EventData<'message.received'>[]> {
    const found: EventData<'message.received'>[] = [];
    for (let position = '0'; ; ) {
      const page = await events.after(position, { workspace, types: ['message.received'] }, 500);
      found.push(...page.events.map(({ event }) => event.data as EventData<'message.received'>));
      if (page.atEnd) return found;
      position = page.next;
    }
  }

  it('are each told once, those of a chat in their order', async () => {
    const seed = Number(process.env['SEED'] ?? 4711);
    console.log(`seed ${seed}`);
    const random = new SeededRandom(seed);
    const delivered = new Map<string, string[]>([...phones.keys()].map((workspace) => [workspace, []]));
    let stopped = false;
    const killing = (async () => {
      for (let kill = 0; kill < KILLS && !stopped; kill += 1) {
        await new Promise((resolve) => setTimeout(resolve, random.between(300, 2500)));
        if (kill % 3 !== 0) signalOne((await fleet.browsers())[0], 'SIGKILL');
        if (kill % 3 !== 1) signalOne(one.readies.at(-1)?.pid, 'SIGKILL');
        if (kill % 2 === 1) {
          await fleet.redis.kill();
          await new Promise((resolve) => setTimeout(resolve, random.between(100, 1500)));
          await fleet.redis.start();
        }
      }
    })();
    for (let number = 0; number < MESSAGES; number += 1) {
      const [workspace, phone] = random.oneOf([...phones]);
      const from = random.oneOf(FRIENDS);
      const body = `${from} ${number}`;
      const { serialized } = await fleet.whatsapp.post<{ serialized: string }>('/deliver', {
        phone,
        from,
        body,
      });
      delivered.get(workspace)?.push(serialized);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 60)));
    }
    stopped = true;
    await killing;
    for (const [workspace, ids] of delivered) {
      await fleet.ready(one, workspace);
      await eventually(async () => (await received(workspace).catch(() => [])).length >= ids.length, 60_000);
      const told = await received(workspace);
      console.log(
        `workspace ${workspace}: ${ids.length} came, ${told.filter(({ late }) => late).length} found late`,
      );
      expect(told.map(({ whatsapp_id }) => whatsapp_id).sort()).toEqual([...ids].sort());
      for (const friend of FRIENDS) {
        const numbers = told.flatMap(({ text }) =>
          text?.startsWith(friend) ? Number(text.split(' ')[1]) : [],
        );
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      }
    }
  }, 170_000);
});
