import { expect, it } from 'vitest';
import { pacedChunks } from '../../../backup/store/pace.ts';
import { collected } from '../../helpers/collected.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const pace = { bytes: 100, time: 1000 };

/** Chunks of ten bytes, each after so many milliseconds. */
async function* chunks(clock: HandClock, count: number, milliseconds: number): AsyncGenerator<Buffer> {
  for (let number = 0; number < count; number++) {
    clock.pass(milliseconds);
    yield Buffer.alloc(10);
  }
}

it('passes on what comes fast enough', async () => {
  const clock = new HandClock();
  expect(await collected(pacedChunks(chunks(clock, 200, 90), pace, clock))).toHaveLength(200);
});

it('fails what comes slower, at any place', async () => {
  const clock = new HandClock();
  await expect(collected(pacedChunks(chunks(clock, 200, 200), pace, clock))).rejects.toThrow(
    'only 60 bytes came in 1 s',
  );
  const slower = (async function* () {
    yield* chunks(clock, 100, 10);
    yield* chunks(clock, 100, 200);
  })();
  await expect(collected(pacedChunks(slower, pace, clock))).rejects.toThrow('bytes came in');
});

it('does not count the time that the reader takes', async () => {
  const clock = new HandClock();
  let read = 0;
  for await (const chunk of pacedChunks(chunks(clock, 50, 10), pace, clock)) {
    read += chunk.length;
    clock.pass(5000);
  }
  expect(read).toBe(500);
});
