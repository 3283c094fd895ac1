import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SetupError, say } from './say.mjs';

/** How long another run's set-up and build may take before we stop waiting for it. */
const PATIENCE = 15 * 60_000;

/**
 * Does the work while no other process of this repository does: two set-ups or builds at once would spoil each other.
 * The lock of a process that is gone does not count.
 *
 * @param {string} path the lock file; holds the process id of its owner
 */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`);
  const end = Date.now() + PATIENCE;
  let told = false;
  try {
    while (!tryLink(own, path)) {
      const owner = ownerOf(path);
      if (owner !== undefined && !isAlive(owner)) {
        rmSync(path, { force: true });
        continue;
      }
      if (Date.now() > end)
        throw new SetupError(
          `Process ${owner} still holds ${path}. If it does not build anything, end it or remove that file.`,
        );
      if (!told) say(`  waiting for process ${owner ?? '(just starting)'}, which sets up or builds here`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    unlinkSync(own);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** link() makes the lock with its content in one step, and fails where there is one. */
function tryLink(own, path) {
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function ownerOf(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
