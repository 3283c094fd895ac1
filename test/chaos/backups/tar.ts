import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What tar says of files that changed or went while it read them: its exit code is 1 then, and the archive is there. */
const CHANGED = 1;

/** The documents' own backup: `tar czf` of the share as it is at the moment. True where tar complained that files changed. */
export async function tarOf(share: string, archive: string): Promise<boolean> {
  try {
    await run('tar', ['--ignore-failed-read', '-czf', archive, '-C', share, '.']);
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code === CHANGED) return true;
    throw error;
  }
}

/** Unpacks one into a new directory. */
export async function untar(archive: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  await run('tar', ['-xzf', archive, '-C', to]);
}
