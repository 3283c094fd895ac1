import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AcceptedMessage, PRIORITIES } from '../../../fleet/queue/outgoing.ts';
import type { HeldMessage } from '../../../fleet/queue/session-queues.ts';
import { queueServer, SESSION, sentState, text } from './queue-parts.ts';

const { sides } = queueServer();

interface Entry {
  message: AcceptedMessage;
  begun: boolean;
  end: string | undefined;
}

/** The queue of one session as it should be. */
class Model {
  readonly entries = new Map<string, Entry>();
  /** Waiting, first to last. */
  readonly lines = new Map(PRIORITIES.map((priority): [string, string[]] => [priority, []]));
  held: string | undefined;

  accept(message: AcceptedMessage): string {
    if (this.entries.has(message.message_id)) return 'known';
    this.entries.set(message.message_id, { message, begun: false, end: undefined });
    this.lines.get(message.priority)?.push(message.message_id);
    return 'queued';
  }

  next(): string | undefined {
    this.held ??= [...this.lines.values()].find((line) => line.length > 0)?.shift();
    return this.held;
  }

  entry(id: string): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw new Error(`there is no ${id}`);
    return entry;
  }

  giveBack(): void {
    if (this.held === undefined) return;
    this.lines.get(this.entry(this.held).message.priority)?.unshift(this.held);
    this.held = undefined;
  }

  cancel(id: string): string {
    const entry = this.entry(id);
    if (entry.end !== undefined) return entry.end === 'failed' ? 'cancelled' : 'ended';
    if (entry.begun) return 'under_way';
    entry.end = 'failed';
    if (this.held === id) this.held = undefined;
    const line = this.lines.get(entry.message.priority) ?? [];
    if (line.includes(id)) line.splice(line.indexOf(id), 1);
    return 'cancelled';
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('accept' as const), priority: fc.constantFrom(...PRIORITIES) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('accept again' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'begin' as const,
        'finish' as const,
        'give back' as const,
        'retract' as const,
        'take over' as const,
      ),
    }),
  },
);

describe("a session's queue, through any story", () => {
  it('hands out, ends, puts back and refuses as the model does', async () => {
    const { router, open, redis } = await sides();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (story) => {
        await redis.flushall();
        const model = new Model();
        let epoch = 1;
        let queue = open(SESSION, epoch);
        const nth = (which: number) =>
          [...model.entries.values()][which % Math.max(1, model.entries.size)]?.message;
        /** The message in hand, which both must agree on. */
        const held = async (): Promise<HeldMessage | undefined> => {
          const next = await queue.next();
          const expected = model.next();
          const found = next.kind === 'message' ? next.held : undefined;
          expect(found?.message.message_id).toBe(expected);
          if (found && expected) expect(found.begun).toBe(model.entry(expected).begun);
          return found;
        };
        for (const each of story) {
          if (each.do === 'accept' || each.do === 'accept again') {
            const message = each.do === 'accept' ? text('a', { priority: each.priority }) : nth(each.which);
            if (message) expect(await router.accept([message])).toEqual([{ kind: model.accept(message) }]);
          } else if (each.do === 'cancel') {
            const message = nth(each.which);
            if (message)
              expect(await router.cancel(message.message_id)).toBe(model.cancel(message.message_id));
          } else if (each.do === 'take over') {
            epoch += 1;
            queue = open(SESSION, epoch);
          } else {
            const found = await held();
            if (!found) continue;
            const entry = model.entry(found.message.message_id);
            if (each.do === 'begin') {
              expect(await queue.begin(found)).toBe(true);
              entry.begun = true;
            } else if (each.do === 'retract') {
              await queue.retract(found);
              entry.begun = false;
            } else if (each.do === 'give back') {
              await queue.giveBack(found);
              model.giveBack();
            } else {
              await queue.finish(found, sentState(found));
              entry.end = 'sent';
              model.held = undefined;
            }
          }
        }
        for (const [id, { end }] of model.entries) {
          const status = (await router.find(id))?.status;
          expect(end ?? 'waits').toBe(status === 'queued' || status === 'sending' ? 'waits' : status);
        }
        const [view] = await router.views();
        const ends = [...model.entries.values()].map(({ end }) => end);
        expect(view ? [view.depth, view.sent, view.failed] : [0, 0, 0]).toEqual(
          [undefined, 'sent', 'failed'].map((end) => ends.filter((each) => each === end).length),
        );
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
