import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../common/clock.ts';
import { createLogger } from '../../common/logger.ts';
import { ApiKeys } from '../../fleet/api-keys.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const silent = createLogger('silent', {});

async function keysIn(
  directory: string,
  environmentKey?: string,
  clock: Clock = systemClock,
): Promise<ApiKeys> {
  const keys = new ApiKeys(directory, environmentKey, clock, silent);
  await keys.start();
  onTestFinished(() => keys.stop());
  return keys;
}

/** The system's clock, but for the time of day: 2026-01-01 until it is set. */
function setClock(): Clock & { time: number } {
  return {
    time: Date.UTC(2026, 0, 1),
    now() {
      return this.time;
    },
    monotonic: () => systemClock.monotonic(),
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds, signal),
  };
}

describe('API keys', () => {
  it('know whose a key is, and nobody else by it', async () => {
    const keys = await keysIn(await temporaryDirectory());
    const { key, info } = await keys.create('7', 'shop');
    expect(info).toMatchObject({ workspace: '7', name: 'shop' });
    expect(keys.known(key)).toEqual(info);
    expect(keys.known(`${key}x`)).toBeUndefined();
    expect(keys.known(key.toUpperCase())).toBeUndefined();
    expect(keys.known('')).toBeUndefined();
  });

  it('refuse to revoke the last admin key, without which nobody could make another', async () => {
    const keys = await keysIn(await temporaryDirectory());
    const [first, second] = [await keys.create(null, null), await keys.create(null, null)];
    await keys.create('7', null);
    await keys.revoke(first.info.keyId);
    await expect(keys.revoke(second.info.keyId)).rejects.toMatchObject({ code: 'invalid_state' });
    expect(keys.known(second.key)).toEqual(second.info);
  });

  it('let the last stored admin key go while the environment holds one', async () => {
    const keys = await keysIn(await temporaryDirectory(), 'e'.repeat(32));
    const { key, info } = await keys.create(null, null);
    await keys.revoke(info.keyId);
    expect(keys.known(key)).toBeUndefined();
    expect(keys.known('e'.repeat(32))?.keyId).toBe('environment');
    expect(keys.hasAdmin).toBe(true);
  });

  it('stay revoked when a backup of before puts the record of one back', async () => {
    const directory = await temporaryDirectory();
    const keys = await keysIn(directory);
    const { key, info } = await keys.create('7', null);
    const path = join(directory, 'keys', `${info.keyId}.json`);
    const record = await readFile(path, 'utf8');
    await keys.revoke(info.keyId);
    await writeFile(path, record);
    expect(await (await keysIn(directory)).find(key)).toBeUndefined();
  });

  it('say that there is no admin where there is none', async () => {
    const keys = await keysIn(await temporaryDirectory());
    await keys.create('7', null);
    expect(keys.hasAdmin).toBe(false);
  });

  it('pass over files that are no keys, half written ones among them', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'keys'));
    await writeFile(join(directory, 'keys', '0123456789abcdef.json'), '{"version":1,');
    await writeFile(join(directory, 'keys', 'README'), 'hello');
    const keys = await keysIn(directory);
    expect(await keys.list()).toEqual([]);
    expect(await keys.find(`wharf_0123456789abcdef_${'a'.repeat(43)}`)).toBeUndefined();
  });

  it('expire where they were made to, and are told apart from those that nobody made', async () => {
    const directory = await temporaryDirectory();
    const clock = setClock();
    const keys = await keysIn(directory, undefined, clock);
    const { key, info } = await keys.create('7', 'agency', '2026-04-01T00:00:00.000Z');
    clock.time += 1;
    const lasting = await keys.create(null, null);
    clock.time = Date.UTC(2026, 3, 1) - 1;
    expect(await keys.find(key)).toEqual(info);
    expect(keys.expired(key)).toBeUndefined();
    clock.time += 1;
    const again = await keysIn(directory, undefined, clock);
    for (const each of [keys, again]) {
      expect(await each.find(key)).toBeUndefined();
      expect(each.infoOf(info.keyId)).toBeUndefined();
      expect(each.expired(key)).toBe('2026-04-01T00:00:00.000Z');
      // Who does not have the whole of it learns nothing.
      expect(each.expired(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).toBeUndefined();
      expect(each.stored()).toEqual([lasting.info]);
      expect(await each.list()).toEqual([info, lasting.info]);
      expect(each.known(lasting.key)).toEqual(lasting.info);
    }
    await keys.revoke(info.keyId);
    expect(keys.expired(key)).toBeUndefined();
    expect(await keys.list()).toEqual([lasting.info]);
  });

  it('are not made with an end that is over', async () => {
    const keys = await keysIn(await temporaryDirectory(), undefined, setClock());
    for (const end of ['2026-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z'])
      await expect(keys.create('7', null, end)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await keys.list()).toEqual([]);
  });

  it('that do not expire have no such field, which routers of before could not read', async () => {
    const directory = await temporaryDirectory();
    const { info } = await (await keysIn(directory)).create('7', null);
    const record = JSON.parse(await readFile(join(directory, 'keys', `${info.keyId}.json`), 'utf8'));
    expect(Object.keys(record)).not.toContain('expires_at');
  });

  it('refuse to revoke the last admin key that does not expire, and let those go that do', async () => {
    const clock = setClock();
    const keys = await keysIn(await temporaryDirectory(), undefined, clock);
    const lasting = await keys.create(null, null);
    const ends = '2026-02-01T00:00:00.000Z';
    const [first, second] = [await keys.create(null, null, ends), await keys.create(null, null, ends)];
    const refused = { code: 'invalid_state', message: expect.stringContaining('does not expire') };
    await expect(keys.revoke(lasting.info.keyId)).rejects.toMatchObject(refused);
    await keys.revoke(first.info.keyId);
    expect(keys.hasAdmin).toBe(true);
    clock.time = Date.parse(ends);
    await keys.revoke(second.info.keyId);
    await expect(keys.revoke(lasting.info.keyId)).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('know no admin where all admin keys have expired', async () => {
    const clock = setClock();
    const keys = await keysIn(await temporaryDirectory(), undefined, clock);
    await keys.create(null, null, '2026-02-01T00:00:00.000Z');
    expect(keys.hasAdmin).toBe(true);
    clock.time = Date.UTC(2026, 1, 1);
    expect(keys.hasAdmin).toBe(false);
  });

  it('do not let guesses read the storage more often than every half second', async () => {
    const directory = await temporaryDirectory();
    const slept: number[] = [];
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      sleep: (milliseconds, signal) => {
        if (milliseconds > 1000) return systemClock.sleep(1_000_000, signal);
        slept.push(milliseconds);
        return Promise.resolve();
      },
    };
    const keys = await keysIn(directory, undefined, clock);
    const guesses = Array.from(
      { length: 50 },
      (_, index) => `wharf_${String(index).padStart(16, '0')}_${'a'.repeat(43)}`,
    );
    expect(await Promise.all(guesses.map((guess) => keys.find(guess)))).toEqual(guesses.map(() => undefined));
    expect(slept).toEqual([500]);
  });

  it('stay good while the storage cannot be read', async () => {
    const directory = await temporaryDirectory();
    const keys = await keysIn(directory);
    const { key, info } = await keys.create('7', null);
    await rename(join(directory, 'keys'), join(directory, 'away'));
    await expect(keys.list()).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(keys.known(key)).toEqual(info);
    expect(await readdir(join(directory, 'away'))).toHaveLength(1);
  });
});
