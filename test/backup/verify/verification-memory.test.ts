import { expect, it } from 'vitest';
import { Distrusted } from '../../../backup/run/distrusted.ts';
import { VerificationMemory } from '../../../backup/verify/verification-memory.ts';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { MemoryObjectStore } from '../../helpers/memory-object-store.ts';

const KEY = 'state/verifications.json';
const HOUR = 3_600_000;
const shaOf = (number: number) => number.toString(16).padStart(64, '0');

/** Services that come one after the other, over one store. */
function someServices() {
  const clock = new DrivenClock();
  const store = new MemoryObjectStore(clock);
  const lines: string[] = [];
  const log = createLogger('info', {}, { write: (line) => lines.push(line) });
  const start = () => {
    const distrusted = new Distrusted();
    let term = new AbortController().signal;
    const memory = new VerificationMemory({ store, distrusted, term: () => term, clock, log });
    const newTerm = () => {
      term = new AbortController().signal;
    };
    return { memory, distrusted, newTerm };
  };
  const stored = () => JSON.parse(store.objects.get(KEY)?.content.toString() ?? 'null');
  return { clock, store, lines, start, stored };
}

it('knows after a restart what is damaged, when everything was looked through, and when it was well', async () => {
  const { clock, start } = someServices();
  const one = start();
  await one.memory.learn();
  const begun = clock.now();
  await clock.pass(HOUR);
  one.memory.noteAll(begun, true);
  one.distrusted.add(shaOf(1));
  one.distrusted.add(shaOf(2));
  one.memory.noteAll(begun + HOUR, false);
  one.distrusted.renewed(shaOf(1));
  await one.memory.written();
  await clock.pass(HOUR);
  const two = start();
  expect(two.memory.checked()).toBeNull();
  await two.memory.learn();
  expect(two.distrusted.all()).toEqual([shaOf(2)]);
  expect(two.memory.checked()).toEqual({ made: begun + HOUR, age: HOUR });
  expect(two.memory.well).toBe(begun);
  expect(two.memory.unverifiedSince).toBe(begun);
});

it('counts from its first look where nothing was verified yet, however often it is started', async () => {
  const { clock, start } = someServices();
  const first = clock.now();
  for (let count = 0; count < 3; count += 1) {
    const { memory } = start();
    expect(memory.unverifiedSince).toBeNull();
    await memory.learn();
    await memory.written();
    expect(memory.unverifiedSince).toBe(first);
    expect(memory.checked()?.made).toBe(first);
    expect(memory.well).toBeNull();
    await clock.pass(HOUR);
  }
});

it('writes nothing over what it has not read, and then both', async () => {
  const { start, stored, store } = someServices();
  const one = start();
  await one.memory.learn();
  one.distrusted.add(shaOf(1));
  await one.memory.written();
  const two = start();
  two.distrusted.add(shaOf(2));
  await two.memory.written();
  expect(stored().distrusted).toEqual([shaOf(1)]);
  await two.memory.learn();
  await two.memory.written();
  expect(new Set(stored().distrusted)).toEqual(new Set([shaOf(1), shaOf(2)]));
  store.requests.length = 0;
  await two.memory.learn();
  expect(store.requests).toEqual([]);
});

it('reads it anew in each term, since another service may have led meanwhile', async () => {
  const { start, stored } = someServices();
  const [one, two] = [start(), start()];
  await one.memory.learn();
  await one.memory.written();
  await two.memory.learn();
  two.distrusted.add(shaOf(3));
  two.memory.noteAll(5, true);
  await two.memory.written();
  expect(one.distrusted.has(shaOf(3))).toBe(false);
  one.newTerm();
  // Not read in this term yet: it would write what it knew in the one before.
  one.distrusted.add(shaOf(4));
  await one.memory.written();
  expect(stored()).toMatchObject({ well: 5, distrusted: [shaOf(3)] });
  await one.memory.learn();
  await one.memory.written();
  expect(stored()).toMatchObject({ well: 5, distrusted: [shaOf(4), shaOf(3)] });
  expect(one.distrusted.has(shaOf(3))).toBe(true);
  expect(one.memory.well).toBe(5);
});

it('tries again to read where the store is away, and tells of what it cannot write', async () => {
  const { start, store, lines, stored } = someServices();
  const { memory, distrusted } = start();
  store.before = () => {
    throw new WharfError('backup_store_failed', 'It does not answer.');
  };
  await expect(memory.learn()).rejects.toThrow('does not answer');
  store.before = () => {};
  await memory.learn();
  await memory.written();
  store.before = () => {
    throw new WharfError('backup_store_failed', 'It does not answer.');
  };
  distrusted.add(shaOf(1));
  await memory.written();
  expect(lines.join()).toContain('could not be written');
  store.before = () => {};
  distrusted.add(shaOf(2));
  await memory.written();
  expect(stored().distrusted).toEqual([shaOf(1), shaOf(2)]);
});

it('begins anew, and says so, where what is there cannot be read', async () => {
  const { clock, start, store, lines, stored } = someServices();
  await store.put(KEY, Buffer.from('{"version":1,"since":'));
  const { memory } = start();
  await memory.learn();
  await memory.written();
  expect(memory.unverifiedSince).toBe(clock.now());
  expect(lines.join()).toContain('begins anew');
  expect(stored()).toMatchObject({ version: 1, checked: null, well: null });
});

it('writes ten thousand objects down at most', async () => {
  const { start, stored } = someServices();
  const { memory, distrusted } = start();
  await memory.learn();
  for (let number = 0; number < 10_050; number += 1) distrusted.add(shaOf(number));
  await memory.written();
  expect(stored().distrusted).toHaveLength(10_000);
  const next = start();
  await next.memory.learn();
  expect(next.distrusted.all()).toHaveLength(10_000);
});
