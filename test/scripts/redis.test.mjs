import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findOrInstallRedis } from '../../scripts/setup/redis.mjs';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { writeProgram } from './helpers.mjs';

describe('the set-up of Redis', () => {
  let directory;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    vi.stubEnv('PATH', join(directory, 'bin'));
  });
  afterEach(() => vi.unstubAllEnvs());
  const version = (number) => `echo "Redis server v=${number} sha=00000000:0 malloc=jemalloc-5.2.1 bits=64"`;
  const find = (install = async () => 'no apt-get') =>
    findOrInstallRedis({ places: [join(directory, 'place')], install });

  it('takes one in PATH, and leaves PATH as it is', async () => {
    writeProgram(join(directory, 'bin/redis-server'), version('7.0.15'));
    await find();
    expect(process.env.PATH).toBe(join(directory, 'bin'));
  });

  it('puts one that lies elsewhere first in PATH', async () => {
    writeProgram(join(directory, 'bin/redis-server'), version('6.0.16'));
    writeProgram(join(directory, 'place/redis-server'), version('6.2.0'));
    await find();
    expect(process.env.PATH).toBe(`${join(directory, 'place')}:${join(directory, 'bin')}`);
  });

  it('installs it where there is none', async () => {
    const asked = [];
    await find(async (name) => {
      asked.push(name);
      writeProgram(join(directory, 'bin/redis-server'), version('7.0.15'));
    });
    expect(asked).toEqual(['redis-server']);
  });

  it('lists the ways to get it when it cannot be installed, or what is there is too old', async () => {
    writeProgram(join(directory, 'bin/redis-server'), version('5.0.14'));
    await expect(find()).rejects.toThrow(
      /redis-server 6\.2 or newer, and there is none here \(no apt-get\)[\s\S]*apt-get install[\s\S]*brew install redis/,
    );
  });
});
