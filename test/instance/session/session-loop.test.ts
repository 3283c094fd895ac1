import { describe, expect, it } from 'vitest';
import { SessionLoop } from '../../../instance/session/session-loop.ts';
import { eventually } from '../../helpers/eventually.ts';
import { ManualClock } from '../helpers/manual-clock.ts';

/** A loop whose rounds end when a test says so, with the milliseconds it gives. */
function aLoop() {
  const heard: string[] = [];
  const over = new AbortController();
  const clock = new ManualClock();
  let finish: (wait: number | undefined) => void = () => {};
  const loop = new SessionLoop(
    {
      onBegin: () => heard.push('begin'),
      onAgain: () => heard.push('again'),
      onEnd: () => heard.push('end'),
      round: (signal) => {
        heard.push('round');
        return new Promise((resolve) => {
          const stopping = () => heard.push('stopping');
          signal.addEventListener('abort', stopping);
          finish = (wait) => {
            signal.removeEventListener('abort', stopping);
            resolve(wait);
          };
        });
      },
    },
    clock,
    over.signal,
  );
  return { loop, heard, over, clock, finish: (wait?: number) => finish(wait) };
}

describe('the loop of a session', () => {
  it('waits between its rounds, and tells that it was ended', async () => {
    const { loop, heard, clock, finish } = aLoop();
    loop.run();
    finish(30);
    await eventually(() => clock.wake(30));
    await eventually(() => heard.length === 4);
    const ended = loop.end();
    expect(loop.isRunning).toBe(true);
    finish(0);
    await ended;
    expect(loop.isRunning).toBe(false);
    expect(heard).toEqual(['begin', 'round', 'again', 'round', 'stopping', 'end']);
  });

  it('ends by itself, without a word, where a round wants no other and nobody else does', async () => {
    const { loop, heard, finish } = aLoop();
    loop.run();
    loop.rest();
    expect(loop.isRunning).toBe(true);
    finish();
    await eventually(() => !loop.isRunning);
    expect(heard).toEqual(['begin', 'round']);
  });

  it('is followed by another once it has ended where that is the last wish', async () => {
    const { loop, heard, finish } = aLoop();
    loop.run();
    const ended = loop.end();
    expect(loop.isWanted).toBe(false);
    loop.run();
    expect(loop.isWanted).toBe(true);
    expect(heard).toEqual(['begin', 'round', 'stopping']);
    finish(0);
    await ended;
    expect(heard).toEqual(['begin', 'round', 'stopping', 'end', 'begin', 'round']);
  });

  it('begins anew at once where none runs', async () => {
    const { loop, heard } = aLoop();
    await loop.anew();
    expect(heard).toEqual(['begin', 'round']);
  });

  it('is not followed by another, nor begun, when all is over', async () => {
    const { loop, heard, over, finish } = aLoop();
    loop.run();
    const ended = loop.anew();
    over.abort();
    finish(0);
    await ended;
    loop.run();
    expect(loop.isRunning).toBe(false);
    expect(heard).toEqual(['begin', 'round', 'stopping', 'end']);
  });
});
