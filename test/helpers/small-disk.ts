import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './temp-dir.ts';

const run = promisify(execFile);

/**
 * A file system of its own for the test that is running, or skips the test where none can be mounted.
 *
 * @param options of tmpfs: `size=2m`, `nr_inodes=20`, `ro`
 */
export async function smallDisk(
  options: string,
  skip: (condition: boolean, note: string) => void,
): Promise<string> {
  const root = await temporaryDirectory();
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', options, 'wharf-test', root]).then(
    () => true,
    () => false,
  );
  skip(!mounted, 'a small file system cannot be mounted here: full and read-only disks are not tested');
  onTestFinished(async () => {
    await run('umount', [root]);
  });
  return root;
}
