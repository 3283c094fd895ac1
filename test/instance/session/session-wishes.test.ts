import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aSession, readySession } from '../helpers/lone-session.ts';

const isWish = (wish: string): wish is 'start' | 'stop' | 'restart' =>
  ['start', 'stop', 'restart'].includes(wish);

/**
 * Waits for so many turns of the event loop as anything here may take, doing something at each. It looks only between two turns: within one a record
 * may be written already whose session has not moved yet.
 */
async function inTurns(condition: () => boolean, meanwhile: () => void): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    await nextTurn();
    if (condition()) return;
    meanwhile();
  }
  throw new Error(`did not come true: ${condition}`);
}

describe('start, stop and restart in any order', () => {
  const step = fc.record({
    wish: fc.constantFrom('start', 'stop', 'restart', 'lose', 'log out', 'become ready', 'wake'),
    turns: fc.integer({ min: 0, max: 6 }),
  });

  it('run one client at the most, and the last wish wins, on the disk too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 10 }),
        async (steps, pace) => {
          let tick = 0;
          const slow = async () => {
            for (let turn = pace[tick++ % pace.length] ?? 0; turn > 0; turn -= 1) await nextTurn();
          };
          const made = aSession({
            script: {
              start: async () => {
                await slow();
                if (tick % 7 === 3) throw new Error('no page');
              },
              stop: async () => {
                await slow();
                return tick % 2 === 0;
              },
              kill: slow,
            },
            record: { should_run: false },
          });
          const { session, clients, store, clock, stored } = made;
          store.turns = () => pace[tick++ % pace.length] ?? 0;
          const wishes: Promise<unknown>[] = [];
          const client = () => clients.made.at(-1);
          for (const { wish, turns } of steps) {
            if (isWish(wish)) wishes.push(session[wish]());
            else if (wish === 'lose') client()?.events.lost('browser_gone', 'x');
            else if (wish === 'log out') client()?.events.loggedOut();
            else if (wish === 'become ready') client()?.becomeReady();
            else clock.wakeAll();
            for (let turn = 0; turn < turns; turn += 1) await nextTurn();
          }
          await Promise.all(wishes);
          // With nothing but the last wish under way, it comes true.
          await inTurns(
            () =>
              session.record.should_run === stored()?.should_run &&
              clients.running === Number(session.record.should_run),
            () => clock.wakeAll(),
          );
          const last = steps
            .map(({ wish }) => wish)
            .filter(isWish)
            .at(-1);
          const loggedOut = steps.some(({ wish }) => wish === 'log out');
          if (!loggedOut) expect(session.record.should_run).toBe(last !== undefined && last !== 'stop');
          if (!session.record.should_run) expect(['stopped', 'logged_out']).toContain(session.status);
          await session.stop();
          expect(clients.running).toBe(0);
          expect(clients.most).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never run a second client beside one that never ends', async () => {
    const { session, clients } = await readySession({ script: { stop: () => new Promise(() => {}) } });
    void session.restart();
    void session.stop();
    void session.start();
    void session.restart();
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    expect(clients.made).toHaveLength(1);
    expect(clients.running).toBe(1);
  });
});
