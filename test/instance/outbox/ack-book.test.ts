import { describe, expect, it } from 'vitest';
import { AckBook } from '../../../instance/outbox/ack-book.ts';
import { ManualClock } from '../helpers/manual-clock.ts';

const make = () => {
  const clock = new ManualClock();
  return { clock, book: new AckBook(clock) };
};

describe('the ack book', () => {
  it('tells an ack that came before it was asked for', async () => {
    const { book } = make();
    book.note('a', 'w', 2);
    expect(await book.settled('a', 1000)).toBe(2);
    expect(book.known('a')).toEqual({ whatsappId: 'w', ack: 2 });
  });

  it('tells whoever waits for a message, and nobody else', async () => {
    const { book, clock } = make();
    const [mine, other] = [book.settled('a', 1000), book.settled('b', 1000)];
    book.note('a', 'w', 0);
    book.note('a', 'w', 1);
    expect(await mine).toBe(1);
    expect(clock.wake(1000)).toBe(true);
    expect(await other).toBe('late');
  });

  it('goes forward alone, but for a failure', () => {
    const { book } = make();
    for (const ack of [1, 3, 2, 0, 1]) book.note('a', 'w', ack);
    expect(book.known('a')?.ack).toBe(3);
    book.note('a', 'w', -1);
    expect(book.known('a')?.ack).toBe(-1);
  });

  it('says gone to all when the session is lost, and keeps what it knows', async () => {
    const { book } = make();
    const both = [book.settled('a', 1000), book.settled('b', 1000)];
    book.note('c', 'w', 1);
    book.abandon();
    expect(await Promise.all(both)).toEqual(['gone', 'gone']);
    expect(book.known('c')?.ack).toBe(1);
  });

  it('forgets the oldest of many', () => {
    const { book } = make();
    for (let index = 0; index < 1000; index += 1) book.note(`m${index}`, 'w', 1);
    expect(book.known('m0')).toBeUndefined();
    expect(book.known('m999')?.ack).toBe(1);
  });
});
