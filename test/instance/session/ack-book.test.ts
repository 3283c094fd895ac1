import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AckBook } from '../../../instance/session/ack-book.ts';

describe('the ack book', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells an ack that came before it was asked for', async () => {
    const book = new AckBook();
    book.note('a', 2);
    expect(await book.settled('a', 1000)).toBe(2);
  });

  it('tells all who wait for one message, and only them', async () => {
    const book = new AckBook();
    const both = [book.settled('a', 1000), book.settled('a', 1000)];
    const other = book.settled('b', 1000);
    book.note('a', 0);
    book.note('a', 1);
    expect(await Promise.all(both)).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await other).toBe('late');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says late when nothing but pending came in time', async () => {
    const book = new AckBook();
    const settled = book.settled('a', 1000);
    book.note('a', 0);
    await vi.advanceTimersByTimeAsync(999);
    expect(await Promise.race([settled, Promise.resolve('still waiting')])).toBe('still waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect(await settled).toBe('late');
  });

  it('does not go back, but to failed', async () => {
    const book = new AckBook();
    for (const ack of [3, 1, 0, 2]) book.note('a', ack);
    expect(await book.settled('a', 1000)).toBe(3);
    book.note('a', -1);
    expect(await book.settled('a', 1000)).toBe(-1);
  });

  it('still knows that a message failed when the send it belongs to says pending', async () => {
    const book = new AckBook();
    book.note('a', -1);
    book.note('a', 0);
    expect(await book.settled('a', 1000)).toBe(-1);
  });

  it('says gone to all who wait when the session is lost', async () => {
    const book = new AckBook();
    const waiting = [book.settled('a', 1000), book.settled('a', 1000), book.settled('b', 1000)];
    book.abandon();
    expect(await Promise.all(waiting)).toEqual(['gone', 'gone', 'gone']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('forgets the oldest beyond two thousand', async () => {
    const book = new AckBook();
    for (let index = 0; index <= 2000; index += 1) book.note(`m${index}`, 1);
    const oldest = book.settled('m0', 10);
    await vi.advanceTimersByTimeAsync(10);
    expect(await oldest).toBe('late');
    expect(await book.settled('m1', 10)).toBe(1);
  });
});
