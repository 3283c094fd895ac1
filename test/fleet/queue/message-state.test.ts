import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { advance, isSettled, QUEUED, toldByAck, wasSent } from '../../../fleet/queue/message-state.ts';
import type { MessageState } from '../../../fleet/queue/outgoing.ts';
import { queueKeys } from '../../../fleet/queue/queue-keys.ts';
import { type QueueCommands, queueCommands } from '../../../fleet/queue/redis-queue-commands.ts';
import { readState, stateText } from '../../../fleet/queue/stored-message.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { SESSION, silent } from './queue-parts.ts';

const STATUSES = ['queued', 'sending', 'unknown', 'failed', 'sent', 'delivered', 'read'] as const;

const time = fc.option(
  fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'),
);

const anyState: fc.Arbitrary<MessageState> = fc.record({
  status: fc.constantFrom(...STATUSES),
  whatsapp_id: fc.option(fc.constantFrom('true_1@c.us_A', 'true_1@c.us_B')),
  attempts: fc.nat(5),
  error: fc.option(fc.record({ code: fc.constantFrom('send_failed', 'cancelled'), detail: fc.string() })),
  sending_at: time,
  sent_at: time,
  delivered_at: time,
  read_at: time,
  ended_at: time,
});

/** One that a message may be in: a sent one has no fault. */
const anyKnown = anyState.map((state) => advance(state, state));

const anyAck = fc.record({
  whatsappId: fc.constantFrom('true_1@c.us_A', 'true_1@c.us_B'),
  ack: fc.integer({ min: -1, max: 4 }),
  at: fc.constantFrom('2026-01-04T00:00:00.000Z', '2026-01-05T00:00:00.000Z'),
});

const rank = (state: MessageState) => STATUSES.indexOf(state.status);

describe('the state of a message', () => {
  it('only goes forward', () => {
    fc.assert(
      fc.property(anyState, anyState, (known, told) => {
        const state = advance(known, told);
        expect(rank(state)).toBe(Math.max(rank(known), rank(told)));
        expect(advance(state, told)).toEqual(state);
        expect(advance(state, known)).toEqual(state);
      }),
    );
  });

  it('forgets a fault when an ack proves that the message was sent, and keeps it otherwise', () => {
    const failed: MessageState = {
      ...QUEUED,
      status: 'failed',
      error: { code: 'x', detail: 'y' },
      ended_at: '2026-01-01T00:00:00.000Z',
    };
    expect(advance(failed, { ...QUEUED, status: 'sending', attempts: 2 })).toEqual({
      ...failed,
      attempts: 2,
    });
    const told = toldByAck(failed, { whatsappId: 'w', ack: 1, at: '2026-01-02T00:00:00.000Z' });
    expect(told && advance(failed, told)).toEqual({
      ...QUEUED,
      status: 'sent',
      whatsapp_id: 'w',
      sent_at: '2026-01-02T00:00:00.000Z',
    });
  });

  it('takes an ack that says "failed" only for a message that was given up as unknown', () => {
    const ack = { whatsappId: 'w', ack: -1, at: '2026-01-02T00:00:00.000Z' };
    for (const status of STATUSES)
      expect(toldByAck({ ...QUEUED, status }, ack)?.status).toBe(status === 'unknown' ? 'failed' : undefined);
  });

  it('is settled when read or failed, and was sent from the ack of the server on', () => {
    expect(STATUSES.filter(isSettled)).toEqual(['failed', 'read']);
    expect(STATUSES.filter(wasSent)).toEqual(['sent', 'delivered', 'read']);
  });
});

describe('the state of a message in Redis', () => {
  let server: PrivateRedis;
  let redis: Redis;
  let commands: QueueCommands;
  const job = `${queueKeys.queue(SESSION)}m`;

  beforeAll(async () => {
    server = await startRedis();
    redis = await connectRedis(parseRedisUrl(server.url), silent);
    commands = queueCommands(redis);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  /** As if it had ended in that state, or had not ended. */
  const put = async (state: MessageState, ended: boolean) => {
    await redis.del(job);
    await redis.hset(job, 'progress', stateText(state), ...(ended ? ['finishedOn', '1'] : []));
  };
  const keys = [queueKeys.queue(SESSION), queueKeys.epochs] as const;

  it('goes on by the same rules when its owner ends it', async () => {
    await fc.assert(
      fc.asyncProperty(anyState, anyState, async (known, told) => {
        await put(known, true);
        const answer = await commands.finish(...keys, queueKeys.ended, '7', 1, 'm', stateText(told), 1);
        expect(readState(answer)).toEqual(advance(known, told));
        expect(readState(await redis.hget(job, 'progress'))).toEqual(advance(known, told));
      }),
      { numRuns: 300 },
    );
  });

  it('goes on by the same rules at an ack', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyKnown,
        fc.array(anyAck, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (known, acks, ended) => {
          await put(known, ended);
          let state = known;
          for (const ack of acks) {
            const told = toldByAck(state, ack);
            const next = told ? advance(state, told) : state;
            const answer = await commands.note(...keys, '7', 1, 'm', ack.whatsappId, ack.ack, ack.at);
            expect(answer === null ? state : readState(answer)).toEqual(next);
            state = next;
          }
          expect(readState(await redis.hget(job, 'progress'))).toEqual(state);
        },
      ),
      { numRuns: 300 },
    );
  });
});
