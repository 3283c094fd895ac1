import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEnv } from '../../../common/env.ts';
import { MessagesProof } from './proof.ts';

/** A machine under load is slow; this only ends what hangs. Milliseconds. */
const PATIENCE = 600_000;

const seed = Number(readEnv()['WHARF_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const never = new AbortController().signal;

/** A short run of `npm run prove:messages`. */
describe(`messages while instances are killed (seed ${seed})`, () => {
  const said: string[] = [];
  let proof: MessagesProof;

  beforeAll(async () => {
    process.stderr.write(`messages: seed ${seed}\n`);
    proof = await MessagesProof.start({
      seed,
      messages: 100,
      sessions: 3,
      rate: 8,
      killEvery: 5,
      routers: 2,
      routersToo: true,
      ackDelay: 100,
      receiverDown: 4,
      say: (text) => said.push(text),
    });
  }, PATIENCE);
  afterAll(() => proof?.close(), PATIENCE);

  it('end once: none lost, none sent twice, in order, and each end told by an event', {
    timeout: PATIENCE,
  }, async () => {
    const { figures } = await proof.outgoing(never);
    expect(proof.broken, said.join('\n')).toEqual([]);
    expect(figures).toMatchObject({ out_accepted: 100, out_lost: 0, out_duplicated: 0, out_of_order: 0 });
    expect(figures['out_kills']).toBeGreaterThanOrEqual(2);
  });

  it('that come in arrive once, also where the receiver of webhooks was away', {
    timeout: PATIENCE,
  }, async () => {
    const { figures } = await proof.incoming(never);
    expect(proof.broken, said.join('\n')).toEqual([]);
    expect(figures).toMatchObject({ in_written: 100, in_missing: 0, in_events_of_two_ids: 0 });
    expect(figures['in_kills']).toBeGreaterThanOrEqual(1);
  });
});
