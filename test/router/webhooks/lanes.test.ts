import { describe, expect, it } from 'vitest';
import { Lanes, type Waiting } from '../../../router/webhooks/lanes.ts';
import type { Tries } from '../../../router/webhooks/retry-rules.ts';
import { SeededRandom } from '../../helpers/random.ts';

const T = 1_800_000_000_000;

function waiting(position: number, lane: string, tries: Partial<Tries> | null = null): Waiting<string> {
  const full = {
    count: 1,
    met: 1,
    lastMet: true,
    alone: 0,
    firstAt: T,
    lastAt: T,
    nextAt: T,
    reason: '',
    status: 500,
    ...tries,
  };
  return {
    position: String(position),
    id: `e${position}`,
    lane,
    at: T + position,
    tries: tries && full,
    accused: false,
    event: 'event',
    size: 5,
  };
}

function lanesOf(...list: Waiting<string>[]): Lanes<string> {
  const lanes = new Lanes<string>();
  for (const each of list) lanes.add(each);
  return lanes;
}

const idsOf = (lanes: Lanes<string>, now = T, most = 10) =>
  lanes.candidates(now, most).map(({ waiting: { id } }) => id);

describe('lanes', () => {
  it('offer the first event of each session', () => {
    expect(idsOf(lanesOf(waiting(1, 'a'), waiting(2, 'a'), waiting(3, 'b')))).toEqual(['e1', 'e3']);
  });

  it('offer nothing of a session while one of it is under way', () => {
    const lanes = lanesOf(waiting(1, 'a'), waiting(2, 'a'), waiting(3, 'b'));
    lanes.occupy('a');
    expect(idsOf(lanes)).toEqual(['e3']);
    lanes.remove('1');
    lanes.leave('a');
    expect(idsOf(lanes).sort()).toEqual(['e2', 'e3']);
  });

  it('let a session with much to send go behind the others each time', () => {
    const lanes = lanesOf(waiting(1, 'busy'), waiting(2, 'busy'), waiting(3, 'b'), waiting(4, 'c'));
    const sent: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const [next] = lanes.candidates(T, 1);
      if (!next) throw new Error('nothing goes');
      lanes.occupy(next.waiting.lane);
      sent.push(next.waiting.id);
      lanes.remove(next.waiting.position);
      lanes.leave(next.waiting.lane);
    }
    expect(sent).toEqual(['e1', 'e3', 'e4', 'e2']);
  });

  it('hold a whole session back until its first event is due', () => {
    const lanes = lanesOf(waiting(1, 'a', { nextAt: T + 5000 }), waiting(2, 'a'));
    expect([idsOf(lanes), lanes.nextDue()]).toEqual([[], T + 5000]);
    expect(idsOf(lanes, T + 5000)).toEqual(['e1']);
  });

  it('offer the second as a probe right after the first was not taken for the tenth time', () => {
    const lanes = lanesOf(waiting(1, 'a', { count: 10, met: 10, nextAt: T + 1e6 }), waiting(2, 'a'));
    const probe = { waiting: { id: 'e2' }, after: { id: 'e1' } };
    expect(lanes.candidates(T + 5, 10)).toMatchObject([probe]);
    expect(lanes.follower(T + 5)).toMatchObject(probe);
  });

  it('offer the first once more where the second came later', () => {
    const lanes = lanesOf(waiting(1, 'a', { count: 10, met: 10, nextAt: T + 1e6 }), waiting(2, 'a'));
    expect(lanes.candidates(T + 60_000, 10)).toMatchObject([{ waiting: { id: 'e1' }, after: null }]);
    expect(lanes.follower(T + 60_000)).toBeUndefined();
  });

  it('offer the accused before anything else of its session', () => {
    const accused = { ...waiting(1, 'a', { count: 10, met: 10 }), accused: true };
    expect(idsOf(lanesOf(accused, waiting(2, 'a')), T + 5)).toEqual(['e1']);
  });

  it('offer no second probe after one failure, and none before ten', () => {
    const asked = { lastAt: T + 1, nextAt: T + 1e6 };
    const first = { count: 10, met: 10, nextAt: T + 1e6 };
    expect(idsOf(lanesOf(waiting(1, 'a', first), waiting(2, 'a', asked)), T + 5)).toEqual([]);
    expect(idsOf(lanesOf(waiting(1, 'a', { ...first, met: 9 }), waiting(2, 'a')), T + 5)).toEqual([]);
    const unmet = { ...first, lastMet: false };
    expect(idsOf(lanesOf(waiting(1, 'a', unmet), waiting(2, 'a')), T + 5)).toEqual([]);
  });

  it('let what waits for its time go when the clock was set back', () => {
    const lanes = lanesOf(waiting(1, 'a', { lastAt: T, nextAt: T + 5000 }));
    expect(idsOf(lanes, T - 3_600_000)).toEqual(['e1']);
  });

  it('probe with what was tried least, due or not', () => {
    const far = { nextAt: T + 1e6 };
    const lanes = lanesOf(waiting(1, 'a', { count: 7, ...far }), waiting(2, 'b', { count: 2, ...far }));
    expect(lanes.probe()?.waiting.id).toBe('e2');
  });

  it('make all due that waits for its time', () => {
    const lanes = lanesOf(
      waiting(1, 'a', { nextAt: T + 1e6 }),
      waiting(2, 'b', { count: 12, nextAt: T + 1e6 }),
    );
    lanes.allDue(T + 60_000);
    expect(idsOf(lanes, T + 60_000)).toEqual(['e1', 'e2']);
  });

  it('keep each event once, and forget what another has ended', () => {
    const lanes = lanesOf(waiting(1, 'a'), waiting(1, 'a'), waiting(2, 'b'), waiting(3, 'c'));
    lanes.occupy('b');
    lanes.keepOnly((position) => position === '3');
    expect([lanes.size, lanes.kept, [...lanes.all()].map(({ id }) => id)]).toEqual([2, 10, ['e2', 'e3']]);
  });

  it('send every session in its order, whatever fails, over many random runs', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new SeededRandom(seed);
      const lanes = new Lanes<string>();
      for (let position = 1; position <= 40; position += 1)
        lanes.add(waiting(position, random.oneOf(['a', 'b', 'c'])));
      const done: Record<string, number[]> = { a: [], b: [], c: [] };
      let now = T;
      while (lanes.size > 0) {
        const [next] = lanes.candidates(now, random.int(1, 3));
        if (!next) {
          now = lanes.nextDue() ?? now;
          continue;
        }
        lanes.occupy(next.waiting.lane);
        if (random.chance(0.4))
          next.waiting.tries = {
            ...waiting(0, '', {}).tries,
            lastAt: now,
            nextAt: now + random.int(1, 9),
          } as Tries;
        else {
          done[next.waiting.lane]?.push(Number(next.waiting.position));
          lanes.remove(next.waiting.position);
        }
        lanes.leave(next.waiting.lane);
      }
      for (const order of Object.values(done))
        expect(order, `seed ${seed}`).toEqual([...order].sort((a, b) => a - b));
    }
  });
});
