import { afterEach, describe, expect, it } from 'vitest';
import { isWharfError, type WharfError } from '../../../common/errors.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { bodyOf, connectSides, type Sides, type SidesOptions, sendAll, take, text } from './queue-parts.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function server(options: Parameters<typeof startRedis>[0] = {}): Promise<PrivateRedis> {
  const started = await startRedis(options);
  opened.push(started);
  return started;
}

async function connect(to: PrivateRedis, options?: SidesOptions): Promise<Sides> {
  const sides = await connectSides(to.url, options);
  opened.push(sides);
  return sides;
}

const DURABLE = { appendonly: true, settings: ['--appendfsync', 'always'] };

/** What it threw, which must be a `queue_unavailable`. */
async function refusal(asked: Promise<unknown>): Promise<WharfError> {
  const error = await asked.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!isWharfError(error, 'queue_unavailable')) throw error;
  return error;
}

/** Whether it is answered again: connections are made anew after some time. */
const answers = (asked: () => Promise<unknown>) =>
  eventually(() =>
    asked().then(
      () => true,
      () => false,
    ),
  );

describe('the queues, when their Redis', () => {
  it('is killed in the midst of accepting, have all that was accepted when it is back, in its order', async () => {
    const redis = await server(DURABLE);
    const { router, open } = await connect(redis);
    const accepted: string[] = [];
    let refused = 0;
    const client = async () => {
      for (let index = 0; refused === 0; index++) {
        const body = String(index);
        try {
          await router.accept([text(body)]);
          accepted.push(body);
        } catch {
          refused += 1;
        }
      }
    };
    const working = client();
    await eventually(() => accepted.length >= 100);
    await redis.kill();
    await working;
    await redis.start();
    const queue = open();
    await answers(() => queue.next());
    const sent = await sendAll(queue);
    // One more may be there: it was written down, and its answer was lost.
    expect(sent.slice(0, accepted.length)).toEqual(accepted);
    expect(sent.length - accepted.length).toBeLessThanOrEqual(1);
  });

  it('is killed, know a message that is handed in again, and the state of one that was begun', async () => {
    const redis = await server(DURABLE);
    const { router, open } = await connect(redis);
    const message = text('a');
    await router.accept([message]);
    await open().begin(await take(open()));
    await redis.kill();
    expect((await refusal(router.accept([message]))).message).toMatch(/cannot be used/);
    await redis.start();
    await answers(() => router.find(message.message_id));
    expect(await router.accept([message])).toEqual([{ kind: 'known' }]);
    expect(await take(open())).toMatchObject({ begun: true, state: { status: 'sending', attempts: 1 } });
  });

  it('was away, hear of new messages again', async () => {
    const redis = await server(DURABLE);
    const { router, instance, open } = await connect(redis);
    const rung: string[] = [];
    instance.listen('7', (session) => rung.push(session));
    await router.accept([text('a')]);
    await eventually(() => rung.length > 0);
    await sendAll(open());
    await redis.kill();
    await redis.start();
    await answers(() => router.views());
    await eventually(async () => {
      await router.accept([text('b')]);
      return rung.length > 1;
    });
  });

  it('hangs, refuse within seconds', async () => {
    const redis = await server();
    const { router } = await connect(redis);
    redis.pause();
    try {
      await refusal(router.accept([text('a')]));
    } finally {
      redis.resume();
    }
    await answers(() => router.accept([text('b')]));
  });

  it('is full, take nothing more, say why, send what they have, and take again when there is room', async () => {
    const redis = await server({ settings: ['--maxmemory', '6mb'] });
    const { router, open } = await connect(redis, { keepsBodies: false });
    let accepted = 0;
    const untilFull = async (step: () => Promise<unknown>) => {
      for (;;) {
        const error = await step().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (isWharfError(error, 'queue_unavailable')) return error.message;
        if (error !== undefined) throw error;
      }
    };
    const why = await untilFull(async () => {
      accepted += (await router.accept([text('x'.repeat(5000))])).length;
    });
    expect(why).toMatch(/full \(maxmemory\)/);
    expect(accepted).toBeGreaterThan(100);
    let keys = 0;
    await untilFull(() =>
      router.reserve([{ owner: 'a', key: String(keys++), fingerprint: 'c', messageId: 'd' }]),
    );
    expect((await router.views())[0]?.depth).toBe(accepted);
    expect(await sendAll(open())).toHaveLength(accepted);
    expect(await router.accept([text('again')])).toEqual([{ kind: 'queued' }]);
  });

  it('becomes full in the midst of many, say which of them are accepted', async () => {
    const redis = await server({ settings: ['--maxmemory', '6mb'] });
    const { router } = await connect(redis);
    const messages = Array.from({ length: 1500 }, () => text('x'.repeat(5000)));
    const kinds = (await router.accept(messages)).map(({ kind }) => kind);
    const accepted = kinds.indexOf('unavailable');
    expect(accepted).toBeGreaterThan(100);
    expect(new Set(kinds.slice(0, accepted))).toEqual(new Set(['queued']));
    expect(new Set(kinds.slice(accepted))).toEqual(new Set(['unavailable']));
    expect((await router.views())[0]?.depth).toBe(accepted);
  });

  it('wants replicas that are not there, refuse and say so', async () => {
    const redis = await server({ settings: ['--min-replicas-to-write', '1'] });
    const { router } = await connect(redis);
    expect((await refusal(router.accept([text('a')]))).message).toMatch(/too few replicas/);
  });
});

describe('a replica of the queues', () => {
  const withReplica = async () => {
    const master = await server({
      ...DURABLE,
      settings: [...DURABLE.settings, '--repl-diskless-sync-delay', '0'],
    });
    const replica = await server({ settings: ['--replicaof', '127.0.0.1', String(master.port)] });
    const sides = await connect(master);
    await eventually(async () => /state=online/.test(await sides.redis.info('replication')));
    // It is told to be online before it has read what it was sent first.
    await eventually(
      async () => (await sides.redis.set('probe', '1')) && (await sides.redis.wait(1, 500)) > 0,
    );
    return { master, replica, sides };
  };

  it('has what was accepted and what was begun when that is answered', async () => {
    const { master, replica, sides } = await withReplica();
    const sent = [text('a'), text('b')];
    await sides.router.accept(sent);
    const held = await take(sides.open());
    await sides.open().begin(held);
    expect([sides.router.unreplicated, sides.instance.unreplicated]).toEqual([0, 0]);
    await master.kill();
    const left = await connect(replica);
    await left.redis.replicaof('NO', 'ONE');
    const found = await take(left.open());
    expect([bodyOf(found), found.begun]).toEqual(['a', true]);
    expect(await left.router.accept(sent)).toEqual([{ kind: 'known' }, { kind: 'known' }]);
  });

  it('that hangs holds nothing up for long: what it did not confirm is accepted, and counted', async () => {
    const { replica, sides } = await withReplica();
    await sides.router.accept([text('a')]);
    expect(sides.router.unreplicated).toBe(0);
    replica.pause();
    try {
      expect(await sides.router.accept([text('b'), text('c')])).toHaveLength(2);
      expect(sides.router.unreplicated).toBe(2);
    } finally {
      replica.resume();
    }
    await eventually(async () => {
      const before = sides.router.unreplicated;
      await sides.router.accept([text('d')]);
      return sides.router.unreplicated === before;
    });
  });
});
