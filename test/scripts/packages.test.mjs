import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { installPackages } from '../../scripts/setup/packages.mjs';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { write, writeProgram } from './helpers.mjs';

describe('the set-up of the Node packages', () => {
  let directory;
  let repository;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    repository = join(directory, 'repository');
    vi.stubEnv('PATH', `${join(directory, 'bin')}:/usr/bin:/bin`);
    // An npm that writes down how it was called, and does what npm ci does to node_modules.
    writeProgram(
      join(directory, 'bin/npm'),
      `echo "$* PUPPETEER_SKIP_DOWNLOAD=$PUPPETEER_SKIP_DOWNLOAD" >> ${directory}/calls; rm -rf node_modules; mkdir node_modules`,
    );
    writeLock('1.0.0');
  });
  afterEach(() => vi.unstubAllEnvs());

  const entries = (version) => ({
    'node_modules/needed': { version, integrity: `sha512-${version}` },
    'node_modules/for-another-platform': { version, optional: true },
  });
  const writeLock = (version) =>
    write(
      join(repository, 'package-lock.json'),
      JSON.stringify({ packages: { '': { name: 'wharf' }, ...entries(version) } }),
    );
  const calls = () =>
    existsSync(join(directory, 'calls'))
      ? readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n')
      : [];

  it('runs npm ci once, without a browser download, and again only when package-lock.json has changed', async () => {
    await installPackages(repository);
    await installPackages(repository);
    expect(calls()).toEqual(['ci --no-audit --no-fund --loglevel=error PUPPETEER_SKIP_DOWNLOAD=1']);
    writeLock('1.0.1');
    await installPackages(repository);
    expect(calls()).toHaveLength(2);
  });

  it('runs npm ci again when node_modules was removed', async () => {
    await installPackages(repository);
    rmSync(join(repository, 'node_modules'), { recursive: true });
    await installPackages(repository);
    expect(calls()).toHaveLength(2);
  });

  it('leaves alone what somebody installed with npm already, if it is exactly what is wanted', async () => {
    const installed = (version) =>
      write(
        join(repository, 'node_modules/.package-lock.json'),
        JSON.stringify({ packages: { 'node_modules/needed': entries(version)['node_modules/needed'] } }),
      );
    installed('1.0.0');
    await installPackages(repository);
    expect(calls()).toEqual([]);
    writeLock('1.0.1');
    installed('1.0.0');
    await installPackages(repository);
    expect(calls()).toHaveLength(1);
  });

  it('says what npm said when it fails, and tries again at the next start', async () => {
    writeProgram(
      join(directory, 'bin/npm'),
      `echo failed >> ${directory}/calls; mkdir -p node_modules; echo "npm error network ECONNREFUSED" >&2; exit 1`,
    );
    await expect(installPackages(repository)).rejects.toThrow(
      /npm could not install the packages in .*npm registry[\s\S]*ECONNREFUSED/,
    );
    await expect(installPackages(repository)).rejects.toThrow(/npm could not install/);
    expect(calls()).toHaveLength(2);
  });

  it('installs by npm install, leaving the lock file alone, where npm ci refuses one that lacks packages of other platforms', async () => {
    writeProgram(
      join(directory, 'bin/npm'),
      `echo "$*" >> ${directory}/calls; mkdir -p node_modules; [ "$1" = install ] || { echo "npm error code EUSAGE" >&2; exit 1; }`,
    );
    await installPackages(repository);
    await installPackages(repository);
    expect(calls()).toEqual([
      'ci --no-audit --no-fund --loglevel=error',
      'install --no-save --no-audit --no-fund --loglevel=error',
    ]);
  });
});
