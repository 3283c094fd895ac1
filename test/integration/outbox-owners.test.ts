import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../common/redis.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { eventually } from '../helpers/eventually.ts';
import { aPhone, OutboxFleet } from '../helpers/outbox-fleet.ts';
import { signalOne } from '../helpers/processes.ts';
import type { SupervisedInstance } from '../helpers/supervised-instance.ts';

const FRIEND = '491711111120';
const WORKSPACE = '7';

describe('a full queue whose workspace gets another owner', () => {
  let fleet: OutboxFleet;
  let redis: Redis;
  let coordination: Coordination;
  let one: SupervisedInstance;
  let two: SupervisedInstance;
  const phone = aPhone();
  beforeAll(async () => {
    fleet = await OutboxFleet.start();
    redis = await connectRedis(parseRedisUrl(fleet.redis.url), createLogger('silent', {}));
    coordination = redisCoordination(redis, 3000);
    [one, two] = [fleet.instance(1), fleet.instance(2)];
    await two.ready();
    await fleet.linked(one, WORKSPACE, phone);
    await fleet.whatsapp.post('/config', { ack_delay_ms: 40 });
  }, 120_000);
  afterAll(async () => {
    redis.disconnect();
    await fleet.close();
  });

  const epoch = async () => (await coordination.assignment(WORKSPACE))?.epoch ?? 0;
  const bodies = async () => (await fleet.arrived(phone)).map(({ body }) => body);

  it('is served on by the next after a move: all sent, none unknown, in order', async () => {
    const texts = Array.from({ length: 30 }, (_, index) => `move ${index}`);
    const ids = await fleet.accept(WORKSPACE, FRIEND, texts);
    await eventually(async () => (await bodies()).length >= 5);
    await coordination.order('instance-1', {
      workspace: WORKSPACE,
      epoch: await epoch(),
      to: 'instance-2',
      move: null,
    });
    await coordination.poke('instance-1');
    const ends = await fleet.queues.ended(ids);
    expect((await coordination.assignment(WORKSPACE))?.instance).toBe('instance-2');
    expect(ends.map(({ status, attempts }) => [status, attempts])).toEqual(texts.map(() => ['sent', 1]));
    expect(await bodies()).toEqual(texts);
  }, 170_000);

  it('is served on by the next after a takeover: none lost, none twice, in order', async () => {
    const before = (await bodies()).length;
    const texts = Array.from({ length: 30 }, (_, index) => `takeover ${index}`);
    const ids = await fleet.accept(WORKSPACE, FRIEND, texts, { on_unknown: 'resend' });
    await eventually(async () => (await bodies()).length >= before + 5);
    const pid = two.readies.at(-1)?.pid;
    two.signal('SIGKILL');
    signalOne(pid, 'SIGKILL');
    await eventually(
      async () => typeof (await coordination.takeOver(WORKSPACE, await epoch(), 'instance-1')) === 'number',
      60_000,
    );
    await coordination.poke('instance-1');
    const ends = await fleet.queues.ended(ids);
    expect(ends.map(({ status }) => status)).toEqual(texts.map(() => 'sent'));
    expect((await bodies()).slice(before)).toEqual(texts);
  }, 170_000);
});
