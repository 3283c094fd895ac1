import { randomBytes } from 'node:crypto';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode, WharfError } from '../common/errors.ts';

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'this user may not read and write there',
  EPERM: 'this user may not read and write there',
  EROFS: 'its file system is mounted read-only',
  ENOSPC: 'its disk is full; make room',
  EDQUOT: 'its quota is used up; make room',
};

/**
 * The session path must be there, be a directory and take a file: a missing mount must not look like an empty fleet.
 *
 * @throws WharfError `storage_unavailable` that says what is wrong with it
 */
export async function requireSessionPath(path: string): Promise<void> {
  const probe = join(path, `.probe-${randomBytes(6).toString('hex')}`);
  try {
    if (!(await stat(path)).isDirectory()) throw new Error('it is no directory');
    await readdir(path);
    try {
      await writeFile(probe, 'probe', { mode: 0o600 });
    } finally {
      await rm(probe, { force: true });
    }
  } catch (error) {
    const why = WHY_NOT[systemCode(error) ?? ''] ?? messageOf(error);
    throw new WharfError(
      'storage_unavailable',
      `The session path ${path} cannot be used: ${why}. Mount the shared file system there, or set WHATSAPP_SESSION_PATH to where it is.`,
      { cause: error },
    );
  }
}
