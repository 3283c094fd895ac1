import { describe, expect, it } from 'vitest';
import {
  type BrowserFacts,
  dueAge,
  type HostFacts,
  planRestart,
  type RestartRules,
} from '../../../instance/housekeeping/soft-restart-plan.ts';
import { SeededRandom } from '../../helpers/random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MB = 1024 ** 2;
const RULES: RestartRules = { age: DAY, memory: 1024 * MB };
const HOST: HostFacts = { isShort: false, starting: 0, sinceLast: Number.POSITIVE_INFINITY };

function browser(changes: Partial<BrowserFacts> = {}): BrowserFacts {
  return { key: '7/main', age: HOUR * 2, bytes: 200 * MB, isCalm: true, inVain: 0, ...changes };
}

describe('the age at which a browser is due', () => {
  it('lies between one and two times the setting, is the same each time, and spread evenly over sessions', () => {
    const ages = Array.from({ length: 2400 }, (_, index) => dueAge(`${index % 300}/s${index}`, DAY));
    expect(ages.every((age) => age >= DAY && age <= 2 * DAY)).toBe(true);
    expect(dueAge('7/main', DAY)).toBe(dueAge('7/main', DAY));
    const hours = new Array<number>(24).fill(0);
    for (const age of ages) {
      const hour = Math.min(23, Math.floor((age - DAY) / HOUR));
      hours[hour] = (hours[hour] ?? 0) + 1;
    }
    // A hundred each hour; more than 40 off would be four standard deviations.
    expect(Math.max(...hours)).toBeLessThan(140);
    expect(Math.min(...hours)).toBeGreaterThan(60);
  });
});

describe('the browser to restart', () => {
  it('is none that is young and small', () => {
    expect(planRestart([browser()], HOST, RULES)).toBeNull();
  });

  it('is the one that is most overdue by its age', () => {
    const old = ['1/a', '2/b', '3/c'].map((key, index) =>
      browser({ key, age: dueAge(key, DAY) + index * MINUTE }),
    );
    expect(planRestart(old, HOST, RULES)).toEqual({ key: '3/c', reason: 'age' });
  });

  it('is one beyond the limit of memory before all that are old, the largest first', () => {
    const browsers = [
      browser({ key: '1/old', age: 3 * DAY }),
      browser({ key: '2/large', bytes: 1100 * MB }),
      browser({ key: '3/largest', bytes: 1300 * MB }),
    ];
    expect(planRestart(browsers, HOST, RULES)).toEqual({ key: '3/largest', reason: 'memory' });
  });

  it('is the largest where the host is short of memory, if it takes clearly more than most', () => {
    const same = ['1/a', '2/b', '3/c'].map((key) => browser({ key }));
    const short = { ...HOST, isShort: true };
    expect(planRestart(same, short, RULES)).toBeNull();
    const heavy = browser({ key: '4/heavy', bytes: 400 * MB });
    expect(planRestart([...same, heavy], short, RULES)).toEqual({ key: '4/heavy', reason: 'host_memory' });
    expect(planRestart([...same, heavy], HOST, RULES)).toBeNull();
  });

  it('is not one that was restarted for its memory in vain, before it is twice as old as the last time', () => {
    const large = (inVain: number, hours: number) =>
      planRestart([browser({ bytes: 2000 * MB, inVain, age: hours * HOUR })], HOST, { ...RULES, age: 0 });
    expect(large(0, 0.9)).toBeNull();
    expect(large(0, 1)).not.toBeNull();
    expect(large(1, 1.9)).toBeNull();
    expect(large(1, 2)).not.toBeNull();
    expect(large(30, 23)).toBeNull();
    expect(large(30, 24)).not.toBeNull();
  });

  it('is none where both limits are off', () => {
    const rules = { age: 0, memory: 0 };
    expect(planRestart([browser({ age: 90 * DAY, bytes: 9000 * MB })], HOST, rules)).toBeNull();
  });

  it('is none for its age while many others start, and while few do it is', () => {
    const browsers = Array.from({ length: 40 }, (_, index) => browser({ key: `${index}/s`, age: 3 * DAY }));
    expect(planRestart(browsers, { ...HOST, starting: 3 }, RULES)).toBeNull();
    expect(planRestart(browsers, { ...HOST, starting: 2 }, RULES)?.reason).toBe('age');
    expect(planRestart([browser({ age: 3 * DAY })], { ...HOST, starting: 1 }, RULES)).toBeNull();
  });

  it('keeps to its rules whatever there is', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = new SeededRandom(seed);
    for (let round = 0; round < 3000; round += 1) {
      const browsers = Array.from({ length: random.int(0, 12) }, (_, index) =>
        browser({
          key: `${index}/s`,
          age: random.between(0, 4 * DAY),
          bytes: random.chance(0.2) ? null : random.between(0, 1500 * MB),
          isCalm: random.chance(0.6),
          inVain: random.int(0, 4),
        }),
      );
      const host = {
        isShort: random.chance(0.3),
        starting: random.int(0, 2),
        sinceLast: random.between(0, 15 * MINUTE),
      };
      const rules = { age: random.oneOf([0, DAY]), memory: random.oneOf([0, 1024 * MB]) };
      const choice = planRestart(browsers, host, rules);
      if (!choice) continue;
      const chosen = browsers.find(({ key }) => key === choice.key);
      const told = `seed ${seed}, round ${round}`;
      expect(chosen?.isCalm, told).toBe(true);
      expect(host.sinceLast, told).toBeGreaterThanOrEqual(MINUTE);
      if (choice.reason === 'age') expect(chosen?.age, told).toBeGreaterThanOrEqual(rules.age);
      else expect(chosen?.age, told).toBeGreaterThanOrEqual(HOUR);
      if (choice.reason === 'memory') {
        expect(chosen?.bytes, told).toBeGreaterThan(rules.memory);
        const calm = browsers.filter(({ isCalm, age, inVain }) => isCalm && age >= HOUR * 2 ** inVain);
        expect(chosen?.bytes, told).toBe(Math.max(...calm.map(({ bytes }) => bytes ?? 0)));
      }
    }
  });
});

describe('browsers that were all started together', () => {
  it('are restarted one by one over a day, each after its time, whenever one is busy', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = new SeededRandom(seed);
    const count = 100;
    const since = new Map(Array.from({ length: count }, (_, index) => [`${index % 40}/s${index}`, 0]));
    const times: number[] = [];
    const ages: number[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (let now = 0; now <= 3 * DAY; now += MINUTE) {
      const browsers = [...since].map(([key, started]) =>
        browser({ key, age: now - started, isCalm: random.chance(0.9) }),
      );
      const choice = planRestart(browsers, { ...HOST, sinceLast: now - last }, RULES);
      if (!choice) continue;
      times.push(now);
      ages.push(now - (since.get(choice.key) ?? 0));
      since.set(choice.key, now);
      last = now;
    }
    const told = `seed ${seed}`;
    expect(Math.min(...ages), told).toBeGreaterThanOrEqual(DAY);
    // Due at twice the setting at the latest, and soon after that: others may be before it.
    expect(Math.max(...ages), told).toBeLessThan(2 * DAY + HOUR);
    const perHour = new Map<number, number>();
    for (const time of times)
      perHour.set(Math.floor(time / HOUR), (perHour.get(Math.floor(time / HOUR)) ?? 0) + 1);
    expect(Math.max(...perHour.values()), told).toBeLessThanOrEqual(12);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps), told).toBeGreaterThanOrEqual(MINUTE);
    expect(
      [...since.values()].filter((started) => started === 0),
      told,
    ).toEqual([]);
  });
});
