import { describe, expect, it } from 'vitest';
import {
  type InactivityFacts,
  type InactivityRules,
  planInactivity,
  type StepTaken,
} from '../../../instance/housekeeping/inactivity-plan.ts';
import { SeededRandom } from '../../helpers/random.ts';

const DAY = 24 * 3_600_000;
const START = Date.UTC(2026, 0, 1);
const RULES: InactivityRules = { warn: 30 * DAY, stop: 60 * DAY, delete: 90 * DAY };
const at = (days: number) => START + days * DAY;

function facts(changes: Partial<InactivityFacts> = {}): InactivityFacts {
  return { lastActive: START, taken: null, runs: true, isKept: false, ...changes };
}

describe('a session that nobody uses', () => {
  it('is warned of, stopped and deleted, each at its time, and each step says what comes next', () => {
    expect(planInactivity(facts(), RULES, at(29.9))).toEqual({ kind: 'nothing' });
    expect(planInactivity(facts(), RULES, at(30))).toEqual({
      kind: 'step',
      step: 'warn',
      since: START,
      next: { step: 'stop', at: at(60) },
    });
    const warned: StepTaken = { step: 'warn', at: at(30), since: START };
    expect(planInactivity(facts({ taken: warned }), RULES, at(59.9))).toEqual({ kind: 'nothing' });
    expect(planInactivity(facts({ taken: warned }), RULES, at(60))).toEqual({
      kind: 'step',
      step: 'stop',
      since: START,
      next: { step: 'delete', at: at(90) },
    });
    const stopped: StepTaken = { step: 'stop', at: at(60), since: START };
    expect(planInactivity(facts({ taken: stopped, runs: false }), RULES, at(89.9))).toEqual({
      kind: 'nothing',
    });
    expect(planInactivity(facts({ taken: stopped, runs: false }), RULES, at(90))).toEqual({
      kind: 'step',
      step: 'delete',
      since: START,
      next: null,
    });
  });

  it('is warned of first, however long nobody looked', () => {
    expect(planInactivity(facts(), RULES, at(1000))).toMatchObject({
      step: 'warn',
      next: { step: 'stop', at: at(1030) },
    });
  });

  it('is not stopped where somebody stopped it, and has all the time since its warning', () => {
    const taken: StepTaken = { step: 'warn', at: at(30), since: START };
    expect(planInactivity(facts({ taken, runs: false }), RULES, at(89))).toEqual({ kind: 'nothing' });
    expect(planInactivity(facts({ taken, runs: false }), RULES, at(90))).toMatchObject({ step: 'delete' });
  });

  it('is only warned of where nothing else is set', () => {
    const rules = { warn: 30 * DAY, stop: 0, delete: 0 };
    expect(planInactivity(facts(), rules, at(40))).toMatchObject({ step: 'warn', next: null });
    const taken: StepTaken = { step: 'warn', at: at(40), since: START };
    expect(planInactivity(facts({ taken }), rules, at(4000))).toEqual({ kind: 'nothing' });
  });

  it('is deleted while it runs where it is not to be stopped before', () => {
    const rules = { warn: 30 * DAY, stop: 0, delete: 40 * DAY };
    const taken: StepTaken = { step: 'warn', at: at(30), since: START };
    expect(planInactivity(facts({ taken }), rules, at(40))).toMatchObject({ step: 'delete' });
  });

  it('is forgotten of once it is used, started after its stop, or kept', () => {
    const warned: StepTaken = { step: 'warn', at: at(30), since: START };
    const stopped: StepTaken = { step: 'stop', at: at(60), since: START };
    expect(planInactivity(facts({ taken: warned, lastActive: at(31) }), RULES, at(60))).toEqual({
      kind: 'forget',
    });
    expect(planInactivity(facts({ taken: stopped }), RULES, at(61))).toEqual({ kind: 'forget' });
    expect(planInactivity(facts({ taken: warned, isKept: true }), RULES, at(60))).toEqual({ kind: 'forget' });
    expect(planInactivity(facts({ isKept: true }), RULES, at(900))).toEqual({ kind: 'nothing' });
  });

  it('is counted from when the setting is turned on, and no more when it is turned off', () => {
    expect(planInactivity(facts({ lastActive: null }), RULES, at(900))).toEqual({ kind: 'begin' });
    const off = { warn: 0, stop: 0, delete: 0 };
    expect(planInactivity(facts(), off, at(900))).toEqual({ kind: 'end' });
    expect(planInactivity(facts({ lastActive: null }), off, at(900))).toEqual({ kind: 'nothing' });
  });

  it('is forgotten of where its step was taken by a clock that was ahead', () => {
    const taken: StepTaken = { step: 'warn', at: at(30), since: START };
    expect(planInactivity(facts({ taken }), RULES, at(20))).toEqual({ kind: 'forget' });
    expect(planInactivity(facts({ lastActive: at(30) }), RULES, at(20))).toEqual({ kind: 'begin' });
  });

  it('is not stopped or deleted before it is unused for so long, whenever its last step was', () => {
    const rules: InactivityRules = { warn: 30 * DAY, stop: 37 * DAY, delete: 44 * DAY };
    // Used yesterday, and warned of all the same.
    const warned: StepTaken = { step: 'warn', at: at(1), since: START };
    expect(planInactivity(facts({ taken: warned }), rules, at(36.9))).toEqual({ kind: 'nothing' });
    expect(planInactivity(facts({ taken: warned }), rules, at(37))).toMatchObject({
      step: 'stop',
      next: { step: 'delete', at: at(44) },
    });
    const stopped: StepTaken = { step: 'stop', at: at(8), since: START };
    const resting = facts({ taken: stopped, runs: false });
    expect(planInactivity(resting, rules, at(43.9))).toEqual({ kind: 'nothing' });
    expect(planInactivity(resting, rules, at(44))).toMatchObject({ step: 'delete' });
  });

  it('is never stopped or deleted without the step before and the time between, however the clock is set', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = new SeededRandom(seed);
    let steps = 0;
    for (let run = 0; run < 300; run += 1) {
      const told = `seed ${seed}, run ${run}`;
      let now = START;
      const session = facts();
      const done: { step: string; now: number; used: number }[] = [];
      let used = 0;
      for (let look = 0; look < 200; look += 1) {
        now += random.chance(0.05) ? random.between(-200 * DAY, 200 * DAY) : random.between(0, 2 * DAY);
        // As what is known of a session: the latest time of all.
        if (random.chance(0.02) && now > (session.lastActive ?? 0)) {
          session.lastActive = now;
          session.runs = true;
          used += 1;
        }
        const plan = planInactivity(session, RULES, now);
        if (plan.kind === 'begin') Object.assign(session, { lastActive: now, taken: null });
        if (plan.kind === 'forget') session.taken = null;
        if (plan.kind !== 'step') continue;
        steps += 1;
        const before = done.at(-1);
        expect(now - plan.since, told).toBeGreaterThanOrEqual(RULES[plan.step]);
        if (plan.step === 'warn') {
          session.taken = { step: 'warn', at: now, since: plan.since };
        } else {
          // One that rests already is not stopped, and has the time for that as well.
          const rested = plan.step === 'delete' && before?.step === 'warn';
          expect(before?.step, told).toBe(plan.step === 'stop' || rested ? 'warn' : 'stop');
          if (rested) expect(session.runs, told).toBe(false);
          expect(now - (before?.now ?? 0), told).toBeGreaterThanOrEqual((rested ? 60 : 30) * DAY);
          expect(before?.used, told).toBe(used);
        }
        if (plan.step === 'stop') {
          session.runs = false;
          session.taken = { step: 'stop', at: now, since: plan.since };
        }
        done.push({ step: plan.step, now, used });
        if (plan.step === 'delete') break;
      }
    }
    expect(steps).toBeGreaterThan(300);
  });
});
