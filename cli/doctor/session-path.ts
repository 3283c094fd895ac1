import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode } from '../../common/errors.ts';
import type { Finding } from './finding.ts';
import { checkSpace } from './free-space.ts';
import { checkLatency } from './fsync-latency.ts';
import { checkLocks } from './locks.ts';
import { checkMount } from './mount.ts';

/**
 * Whether the session path is there and does what Wharf counts on: replacing by rename, creation that one wins, locks, and speed.
 * Works in a directory of its own under the path, and removes it.
 */
export async function checkSessionPath(path: string | undefined): Promise<Finding[]> {
  const subject = 'session path';
  if (!path) {
    return [
      {
        subject,
        status: 'skipped',
        detail: 'WHATSAPP_SESSION_PATH is not set, and no local fleet runs here',
      },
    ];
  }
  const missing = await whyNoDirectory(path);
  if (missing) return [{ subject, status: 'failed', ...missing }];
  const trial = join(path, `.wharf-doctor-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(trial, { mode: 0o700 });
  } catch (error) {
    const hint = `Give it to the user that runs Wharf: chown it, and chmod 700. (${messageOf(error)})`;
    return [
      {
        subject,
        status: 'failed',
        detail: `${path} cannot be written to (${systemCode(error) ?? 'unknown'})`,
        hint,
      },
    ];
  }
  try {
    return [
      { subject, status: 'ok', detail: `${path}, writable` },
      await checkMount(path),
      await checkRename(trial),
      await checkExclusive(trial),
      await checkLocks(trial),
      await checkLatency(trial),
      await checkSpace(path),
    ];
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}

async function whyNoDirectory(path: string): Promise<{ detail: string; hint: string } | undefined> {
  try {
    if ((await stat(path)).isDirectory()) return undefined;
    return {
      detail: `${path} is not a directory`,
      hint: 'Set WHATSAPP_SESSION_PATH to a directory on the shared file system.',
    };
  } catch (error) {
    return {
      detail: `${path} cannot be used (${systemCode(error) ?? messageOf(error)})`,
      hint: 'Mount the shared file system there, or make the directory, or set WHATSAPP_SESSION_PATH to where it is.',
    };
  }
}

async function checkRename(trial: string): Promise<Finding> {
  const subject = 'replace by rename';
  try {
    await writeFile(join(trial, 'kept'), 'old');
    await writeFile(join(trial, 'new'), 'new');
    await rename(join(trial, 'new'), join(trial, 'kept'));
    const content = await readFile(join(trial, 'kept'), 'utf8');
    if (content === 'new') return { subject, status: 'ok', detail: 'works' };
    return { subject, status: 'failed', detail: 'the old content was read after the rename' };
  } catch (error) {
    return {
      subject,
      status: 'failed',
      detail: messageOf(error),
      hint: 'Use a file system with POSIX rename.',
    };
  }
}

/** Sixteen at once want to create one file: exactly one may win. */
async function checkExclusive(trial: string): Promise<Finding> {
  const subject = 'exclusive creation';
  const tries = await Promise.allSettled(
    Array.from({ length: 16 }, async () => (await open(join(trial, 'claim'), 'wx')).close()),
  );
  const won = tries.filter((each) => each.status === 'fulfilled').length;
  const strange = tries.find((each) => each.status === 'rejected' && systemCode(each.reason) !== 'EEXIST');
  if (won === 1 && strange === undefined)
    return { subject, status: 'ok', detail: 'one of 16 at once wins (O_EXCL)' };
  const why = strange?.status === 'rejected' ? messageOf(strange.reason) : `${won} of 16 won`;
  return {
    subject,
    status: 'failed',
    detail: why,
    hint: 'Ownership rests on O_EXCL: use NFS 4, EFS, GlusterFS or a local file system.',
  };
}
