import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { within } from '../../common/within.ts';

it('is aborted with the first of the others, for its reason, and hangs on none of them then', () => {
  const [long, short] = [new AbortController(), new AbortController()];
  const { signal } = within(long.signal, short.signal);
  expect(signal.aborted).toBe(false);
  const reason = new Error('the caller went away');
  short.abort(reason);
  expect(signal.reason).toBe(reason);
  expect(getEventListeners(long.signal, 'abort')).toEqual([]);
  expect(within(long.signal, short.signal).signal.reason).toBe(reason);
});

it('is ended by itself, and hangs on none of the others then', () => {
  const long = new AbortController();
  const { signal, end } = within(long.signal);
  expect(getEventListeners(long.signal, 'abort')).toHaveLength(1);
  const reason = new Error('done');
  end(reason);
  expect(signal.reason).toBe(reason);
  expect(getEventListeners(long.signal, 'abort')).toEqual([]);
  long.abort(new Error('later'));
  expect(signal.reason).toBe(reason);
});
