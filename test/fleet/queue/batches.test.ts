import { describe, expect, it } from 'vitest';
import { Batches } from '../../../fleet/queue/batches.ts';

/** Batches whose steps end when the test says so. */
function driven(size: number) {
  const steps: { items: number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const batches = new Batches<number, string>(
    (items) =>
      new Promise((resolve, reject) => {
        steps.push({ items, end: () => resolve(items.map(String)), fail: reject });
      }),
    size,
  );
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { batches, steps, turn };
}

describe('batches', () => {
  it('take what comes in one turn together, and what comes meanwhile together afterwards', async () => {
    const { batches, steps, turn } = driven(10);
    const first = [batches.do([1]), batches.do([2, 3])];
    await turn();
    expect(steps.map(({ items }) => items)).toEqual([[1, 2, 3]]);
    const later = [batches.do([4]), batches.do([5])];
    await turn();
    expect(steps).toHaveLength(1);
    steps[0]?.end();
    expect(await Promise.all(first)).toEqual([['1'], ['2', '3']]);
    await turn();
    expect(steps[1]?.items).toEqual([4, 5]);
    steps[1]?.end();
    expect(await Promise.all(later)).toEqual([['4'], ['5']]);
  });

  it('split what is too long, in order, one step at a time, and let nobody wait for all of it', async () => {
    const { batches, steps, turn } = driven(5);
    const long = batches.do([1, 2, 3, 4, 5, 6, 7]);
    const short = batches.do([10, 11]);
    const single = batches.do([20]);
    for (const expected of [
      [1, 10, 20, 2, 3],
      [4, 11, 5, 6, 7],
    ]) {
      await turn();
      expect(steps.at(-1)?.items).toEqual(expected);
      steps.at(-1)?.end();
    }
    expect(await long).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(await short).toEqual(['10', '11']);
    expect(await single).toEqual(['20']);
    expect(await batches.do([])).toEqual([]);
  });

  it('tell those whose step failed, do not go on with the rest of theirs, and go on with others', async () => {
    const { batches, steps, turn } = driven(2);
    const failing = batches.do([1, 2, 3]);
    await turn();
    const other = batches.do([4]);
    const told = expect(failing).rejects.toThrow('Redis is away');
    steps[0]?.fail(new Error('Redis is away'));
    await told;
    await turn();
    expect(steps[1]?.items).toEqual([4]);
    steps[1]?.end();
    expect(await other).toEqual(['4']);
  });

  it('give what is done to a caller of whose items others failed, where there is a result for that', async () => {
    const steps: { end: () => void; fail: (error: Error) => void }[] = [];
    const step = (items: number[]) =>
      new Promise<string[]>((resolve, reject) => {
        steps.push({ end: () => resolve(items.map(String)), fail: reject });
      });
    const failed = (error: unknown) =>
      error instanceof Error && error.message === 'Redis is away' ? error.message : undefined;
    const batches = new Batches<number, string>(step, 2, failed);
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    const fail = async (items: number[], messages: string[]) => {
      const doing = batches.do(items).catch((error: Error) => error.message);
      for (const message of messages) {
        await turn();
        if (message === '') steps.at(-1)?.end();
        else steps.at(-1)?.fail(new Error(message));
      }
      return await doing;
    };
    expect(await fail([1, 2, 3, 4, 5], ['', 'Redis is away'])).toEqual([
      '1',
      '2',
      ...Array(3).fill('Redis is away'),
    ]);
    expect(await fail([1, 2, 3], ['Redis is away'])).toBe('Redis is away');
    expect(await fail([1, 2, 3], ['', 'something else'])).toBe('something else');
  });
});
