import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWharfError } from '../../common/errors.ts';
import { internalToken } from '../../fleet/internal-token.ts';

describe('internalToken', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wharf-token-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('gives all who ask at once the one token that was made first', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => internalToken(directory)));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(await readdir(join(directory, 'fleet'))).toEqual(['internal-token']);
  });

  it('keeps the file for its owner alone', async () => {
    await internalToken(directory);
    expect((await stat(join(directory, 'fleet', 'internal-token'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'fleet'))).mode & 0o777).toBe(0o700);
  });

  it('prefers the one of the environment and writes nothing then', async () => {
    const given = 'a'.repeat(32);
    expect(await internalToken(directory, given)).toBe(given);
    expect(await readdir(directory)).toEqual([]);
  });

  it('refuses a short token, without showing it', async () => {
    const error = await internalToken(directory, 'too-short').catch((caught: unknown) => caught);
    expect(isWharfError(error, 'config_invalid')).toBe(true);
    expect(String(error)).not.toContain('too-short');
  });

  it('refuses a file that somebody emptied', async () => {
    await mkdir(join(directory, 'fleet'));
    await writeFile(join(directory, 'fleet', 'internal-token'), '');
    expect(
      isWharfError(await internalToken(directory).catch((caught: unknown) => caught), 'config_invalid'),
    ).toBe(true);
  });

  it('says that the storage cannot be used when the path is a file', async () => {
    await writeFile(join(directory, 'plain'), '');
    const error = await internalToken(join(directory, 'plain')).catch((caught: unknown) => caught);
    expect(isWharfError(error, 'storage_unavailable')).toBe(true);
  });
});
