import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { giveToPage } from '../../../instance/outbox/give-to-page.ts';
import type { OutboxParts } from '../../../instance/outbox/outbox-parts.ts';
import { SendSlots } from '../../../instance/outbox/send-slots.ts';
import { Trials } from '../../../instance/outbox/trials.ts';
import type { Session } from '../../../instance/session/session.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { queueServer, SESSION, take, text } from '../../fleet/queue/queue-parts.ts';

const { sides } = queueServer();

describe('a try that is given up while it is written down that it begins', () => {
  it('did not leave, and takes no later try back', async () => {
    const { router, open } = await sides();
    await router.accept([text('hello')]);
    const queue = open(SESSION);
    const held = await take(queue);
    const trial = new Trials().of(held);
    let writeDown = () => {};
    const slow = new Promise<void>((resolve) => {
      writeDown = resolve;
    });
    let asked: Promise<boolean> | undefined;
    const client = {
      requireRecipient: async () => {},
      send: async (_message: unknown, _key: string, begin: () => Promise<boolean>) => {
        asked = begin();
        throw new WharfError('timeout', 'the page did not answer');
      },
    };
    const session = { readyClient: () => client, sendingClient: async () => client };
    const lateQueue = {
      ...queue,
      begin: async (one: typeof held) => {
        const begun = await queue.begin(one);
        await slow;
        return begun;
      },
      retract: (one: typeof held) => queue.retract(one),
    };
    const parts = {
      slots: new SendSlots(1, hostClock),
      config: { jitter: 0, typing: false },
      clock: hostClock,
    };
    const signal = new AbortController().signal;
    const one = {
      session: session as unknown as Session,
      queue: lateQueue,
      held,
      trial,
      mayBegin: () => true,
      signal,
    };
    await expect(giveToPage(one, parts as unknown as OutboxParts)).rejects.toThrow('did not answer');
    // Another try has begun, and its page may have it.
    const again = await take(queue);
    await queue.begin(again);
    writeDown();
    expect(await asked).toBe(false);
    expect(trial.uncertain).toBe(false);
    expect((await take(queue)).begun).toBe(true);
  });
});
