import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, systemCode } from '../../common/errors.ts';
import type { Finding } from './finding.ts';

const run = promisify(execFile);
const SUBJECT = 'file locks';
/** Exit code we have flock(1) give when the lock is held: one it does not use itself. */
const HELD = 75;
/** Milliseconds for each step; a lock on a file server that does not answer hangs. */
const PATIENCE = 5000;

/**
 * Whether a lock keeps another process out, and is free once its holder has ended. Chromium's databases lock their directories.
 * Uses flock(1) of util-linux, since Node.js has no locks; where it is missing the check is skipped.
 *
 * @param trial a directory to work in
 */
export async function checkLocks(trial: string): Promise<Finding> {
  const file = join(trial, 'lock');
  await writeFile(file, '');
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(holder, 'close').catch(() => undefined);
  try {
    const held = once(holder.stdout, 'data', { signal: AbortSignal.timeout(PATIENCE) });
    await Promise.race([held, ended.then(() => Promise.reject(new Error('flock ended at once')))]);
    const outside = await tryLock(file);
    holder.stdin.end();
    await ended;
    const after = await tryLock(file);
    if (outside === 'held' && after === 'free')
      return { subject: SUBJECT, status: 'ok', detail: 'keep others out' };
    const detail =
      outside === 'free'
        ? 'a second process got a lock that was held'
        : 'a lock stayed when its holder had ended';
    return {
      subject: SUBJECT,
      status: 'failed',
      detail,
      hint: 'On NFS, mount with version 4 and without "nolock".',
    };
  } catch (error) {
    if (holder.pid === undefined) {
      return { subject: SUBJECT, status: 'skipped', detail: 'flock(1) of util-linux is not installed' };
    }
    return {
      subject: SUBJECT,
      status: 'failed',
      detail: `no lock within ${PATIENCE / 1000} s (${messageOf(error)})`,
      hint: 'Look at the mount: is its lock service running?',
    };
  } finally {
    holder.kill('SIGKILL');
  }
}

async function tryLock(file: string): Promise<'held' | 'free'> {
  try {
    await run('flock', ['-n', '-E', String(HELD), file, 'true'], { timeout: PATIENCE });
    return 'free';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === HELD) return 'held';
    throw new Error(`flock failed: ${systemCode(error) ?? messageOf(error)}`, { cause: error });
  }
}
