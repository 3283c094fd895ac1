import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { excerpt, run } from '../command.mjs';
import { attempt } from '../say.mjs';
import { inPath } from './find-program.mjs';

/** Debian asks this file whether an installed service may be started: 101 says no. */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs a Debian package without what it recommends, and without starting any service of it.
 *
 * @returns {Promise<string | undefined>} why it could not, or undefined when it is installed
 */
export async function installDebianPackage(name) {
  if (inPath('apt-get') === undefined) return 'this system has no apt-get';
  if (process.getuid?.() !== 0)
    return `installing Debian's package needs root (sudo apt-get install ${name})`;
  return await attempt(`Debian package ${name}`, () => withoutServices(() => install(name)));
}

async function install(name) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => run('apt-get', ['-qq', ...args], { env });
  const first = await apt('install', '-y', '--no-install-recommends', name);
  if (first.code === 0) return undefined;
  // The lists may be absent, as in a fresh container, or name versions that are gone.
  const update = await apt('update');
  if (update.code !== 0) return `apt-get update failed: ${excerpt(update.output)}`;
  const second = await apt('install', '-y', '--no-install-recommends', name);
  return second.code === 0 ? undefined : `apt-get install ${name} failed: ${excerpt(second.output)}`;
}

async function withoutServices(work) {
  if (existsSync(POLICY)) return await work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(POLICY, { force: true });
  }
}
