import { describe, expect, it } from 'vitest';
import { Circuit } from '../../../router/webhooks/circuit.ts';

const T = 1_800_000_000_000;

function opened(): Circuit {
  const circuit = new Circuit();
  for (let index = 0; index < 5; index += 1) circuit.failed(`e${index}`, false, T, 0.5);
  return circuit;
}

describe('the circuit of a receiver', () => {
  it('stays closed for four failures, and opens with the fifth', () => {
    const circuit = new Circuit();
    for (const event of ['a', 'b', 'c', 'd']) expect(circuit.failed(event, true, T, 0.5)).toBe(false);
    expect(circuit.allowed(T, 10)).toBe(10);
    expect(circuit.failed('e', true, T, 0.5)).toBe(true);
    expect(circuit.allowed(T, 10)).toBe(0);
  });

  it('does not open for one event that is refused again and again', () => {
    const circuit = new Circuit();
    for (let index = 0; index < 50; index += 1) circuit.failed('poison', true, T, 0.5);
    expect(circuit.state).toBe('closed');
  });

  it('opens for one event where there is no answer at all', () => {
    const circuit = new Circuit();
    for (let index = 0; index < 5; index += 1) circuit.failed('only', false, T, 0.5);
    expect(circuit.state).toBe('open');
  });

  it('counts failures in a row: one that is taken begins anew', () => {
    const circuit = new Circuit();
    for (const event of ['a', 'b', 'c', 'd']) circuit.failed(event, true, T, 0.5);
    circuit.taken();
    for (const event of ['a', 'b', 'c', 'd']) circuit.failed(event, true, T, 0.5);
    expect(circuit.state).toBe('closed');
  });

  it('lets one probe through after 5 s, then after 10, 20, 40 ... and at most 5 minutes', () => {
    const circuit = opened();
    let now = T;
    for (const pause of [5, 10, 20, 40, 80, 160, 300, 300, 300]) {
      expect(circuit.nextChange(now)).toBe(now + pause * 1000);
      now += pause * 1000;
      expect(circuit.allowed(now - 1, 10)).toBe(0);
      expect(circuit.allowed(now, 10)).toBe(1);
      circuit.failed('probe', true, now, 0.5);
    }
  });

  it('closes when the probe is taken', () => {
    const circuit = opened();
    expect(circuit.taken()).toBe(true);
    expect([circuit.state, circuit.failingSince, circuit.allowed(T, 10)]).toEqual(['closed', null, 10]);
  });

  it('takes no notice of what was under way when it opened', () => {
    const circuit = opened();
    const before = circuit.nextChange(T);
    circuit.failed('late', false, T + 100, 0.5);
    expect(circuit.nextChange(T + 100)).toBe(before);
  });

  it('begins with a probe where the router before found it failing, and remembers since when', () => {
    const circuit = new Circuit(T - 1000);
    expect([circuit.state, circuit.allowed(T, 10), circuit.failingSince]).toEqual(['open', 1, T - 1000]);
  });

  it('pauses when the receiver asks for it, for 5 minutes at most', () => {
    const circuit = new Circuit();
    circuit.hold(3_600_000, T);
    expect(circuit.allowed(T + 299_999, 10)).toBe(0);
    expect(circuit.allowed(T + 300_000, 10)).toBe(10);
  });

  it('does not wait for days when the clock is set back', () => {
    const circuit = opened();
    expect(circuit.allowed(T - 86_400_000, 10)).toBe(1);
  });

  it('tries at once when something was changed by hand', () => {
    const circuit = opened();
    circuit.tryNow();
    expect(circuit.allowed(T, 10)).toBe(1);
  });
});
