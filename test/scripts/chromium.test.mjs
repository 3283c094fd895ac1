import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findOrInstallChromium } from '../../scripts/setup/chromium.mjs';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { writeProgram } from './helpers.mjs';

const GOOD = 'echo "Chromium 156.0.8078.79"';

describe('the set-up of Chromium', () => {
  let directory;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    vi.stubEnv('CHROMIUM_PATH', '');
    vi.stubEnv('PATH', `${join(directory, 'bin')}:/usr/bin:/bin`);
    vi.stubEnv('PUPPETEER_CACHE_DIR', join(directory, 'cache'));
  });
  afterEach(() => vi.unstubAllEnvs());
  const find = (installers = []) => findOrInstallChromium({ places: [join(directory, 'known')], installers });
  const cached = (version) =>
    join(
      directory,
      `cache/chrome-headless-shell/linux-${version}/chrome-headless-shell-linux64/chrome-headless-shell`,
    );

  it('takes what CHROMIUM_PATH names', async () => {
    const path = join(directory, 'mine');
    writeProgram(path, GOOD);
    writeProgram(join(directory, 'known'), GOOD);
    vi.stubEnv('CHROMIUM_PATH', path);
    expect(await find()).toBe(path);
  });

  it('refuses a CHROMIUM_PATH that is no program or does not start, rather than taking another', async () => {
    writeProgram(join(directory, 'known'), GOOD);
    vi.stubEnv('CHROMIUM_PATH', join(directory, 'absent'));
    await expect(find()).rejects.toThrow(
      /CHROMIUM_PATH names .*absent, which is not a program that can be run/,
    );
    writeProgram(
      join(directory, 'broken'),
      'echo "libnss3.so: cannot open shared object file" >&2; exit 127',
    );
    vi.stubEnv('CHROMIUM_PATH', join(directory, 'broken'));
    await expect(find()).rejects.toThrow(
      /which does not start \(libnss3\.so: cannot open shared object file\)/,
    );
  });

  it('prefers the known place, then PATH, then the newest that puppeteer downloaded', async () => {
    writeProgram(cached('99.0.1.2'), GOOD);
    writeProgram(cached('146.0.7680.31'), GOOD);
    expect(await find()).toBe(cached('146.0.7680.31'));
    writeProgram(join(directory, 'bin/chrome-headless-shell'), GOOD);
    expect(await find()).toBe(join(directory, 'bin/chrome-headless-shell'));
    writeProgram(join(directory, 'known'), GOOD);
    expect(await find()).toBe(join(directory, 'known'));
  });

  it('passes over one that does not start', async () => {
    writeProgram(join(directory, 'known'), 'exit 1');
    writeProgram(cached('146.0.7680.31'), GOOD);
    expect(await find()).toBe(cached('146.0.7680.31'));
  });

  it('installs one where there is none, trying the ways in order until one works', async () => {
    const tried = [];
    const path = await find([
      async () => {
        tried.push('first');
        return 'no network';
      },
      async () => {
        tried.push('second');
        writeProgram(join(directory, 'known'), GOOD);
        return undefined;
      },
      async () => tried.push('third'),
    ]);
    expect(path).toBe(join(directory, 'known'));
    expect(tried).toEqual(['first', 'second']);
  });

  it('lists every way when none works, and what became of those that were tried', async () => {
    writeProgram(join(directory, 'known'), 'exit 3');
    const failed = find([async () => "puppeteer's download failed: no network"]);
    await expect(failed).rejects.toThrow(/known does not start \(exit code 3\)/);
    await expect(failed).rejects.toThrow(/download failed: no network/);
    await expect(failed).rejects.toThrow(
      /apt-get install .*chromium-headless-shell[\s\S]*npx puppeteer browsers install[\s\S]*CHROMIUM_PATH=/,
    );
  });
});
