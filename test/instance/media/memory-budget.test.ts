import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MemoryBudget } from '../../../instance/media/memory-budget.ts';

/** Takes, and says in a list when it got it. */
function taker(budget: MemoryBudget) {
  const got: string[] = [];
  const releases = new Map<string, () => void>();
  const take = async (name: string, workspace: string, bytes: number) => {
    const release = await budget.take(workspace, bytes);
    got.push(name);
    releases.set(name, release);
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    got,
    take: async (name: string, workspace: string, bytes: number) => {
      void take(name, workspace, bytes);
      await settle();
    },
    release: async (name: string) => {
      releases.get(name)?.();
      await settle();
    },
  };
}

describe('the memory for media', () => {
  it('is given in the order asked, as far as it goes', async () => {
    const { got, take, release } = taker(new MemoryBudget(100, 100));
    await take('a', '7', 60);
    await take('b', '7', 60);
    await take('c', '7', 40);
    expect(got).toEqual(['a']);
    await release('a');
    expect(got).toEqual(['a', 'b', 'c']);
  });

  it('lets one workspace have its part, and others pass it', async () => {
    const { got, take, release } = taker(new MemoryBudget(100, 50));
    await take('a', '7', 50);
    await take('b', '7', 50);
    await take('c', '8', 50);
    expect(got).toEqual(['a', 'c']);
    await release('c');
    expect(got).toEqual(['a', 'c']);
    await release('a');
    expect(got).toEqual(['a', 'c', 'b']);
  });

  it('is had alone by what is larger than all of it', async () => {
    const { got, take, release } = taker(new MemoryBudget(100, 50));
    await take('a', '8', 10);
    await take('large', '7', 500);
    await take('b', '8', 10);
    expect(got).toEqual(['a']);
    await release('a');
    expect(got).toEqual(['a', 'large']);
    await release('large');
    expect(got).toEqual(['a', 'large', 'b']);
  });

  it('is given back once, however often that is said', async () => {
    const budget = new MemoryBudget(100, 100);
    const release = await budget.take('7', 60);
    const other = await budget.take('7', 40);
    release();
    release();
    expect(budget.taken).toBe(40);
    other();
    expect(budget.taken).toBe(0);
  });

  it('is not waited for without end, and whoever gave up does not get it', async () => {
    const budget = new MemoryBudget(100, 100, 20);
    const release = await budget.take('7', 100);
    await expect(budget.take('7', 1)).rejects.toMatchObject({ code: 'media_unreachable' });
    release();
    expect(budget.taken).toBe(0);
  });

  it('loses no room, and nobody their turn, where room comes at the moment that somebody gives up', async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    for (let turns = 0; turns < 15; turns += 1) {
      const budget = new MemoryBudget(10, 10, 1000);
      const release = await budget.take('a', 10);
      const ended = budget.take('b', 10).then(
        (giveBack) => giveBack(),
        () => {},
      );
      vi.advanceTimersByTime(500);
      const next = budget.take('c', 10);
      vi.advanceTimersByTime(500);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      release();
      await ended;
      (await next)();
      expect(budget.taken, `after ${turns} turns`).toBe(0);
    }
  });
});
