import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { lockDataDirectory } from '../../../cli/local-fleet/lock.ts';
import { processIdentity } from '../../../cli/local-fleet/process-identity.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

describe('the lock of a data directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  const lockFile = () => join(directory, 'local-fleet.lock');

  it('refuses a second fleet, and names the process that has it', async () => {
    const release = await lockDataDirectory(directory);
    await expect(lockDataDirectory(directory)).rejects.toThrow(
      new RegExp(`A fleet runs from ${directory} already: process ${process.pid}\\.`),
    );
    await release();
  });

  it('lets the next one in when it was given back, and leaves nothing behind', async () => {
    await (await lockDataDirectory(directory))();
    await (await lockDataDirectory(directory))();
    expect(await readdir(directory)).toEqual([]);
  });

  it('lets exactly one of many in at once', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDirectory(directory)));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  it('does not count a lock whose process has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const identity = await processIdentity(child.pid ?? 0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await writeFile(lockFile(), `${child.pid} ${identity}\n`);
    await (await lockDataDirectory(directory))();
  });

  it('does not count a lock whose process id now belongs to another process', async () => {
    await writeFile(lockFile(), `${process.pid} some other start\n`);
    await (await lockDataDirectory(directory))();
  });

  it('does not count a lock that a crash left without content', async () => {
    await writeFile(lockFile(), '');
    await (await lockDataDirectory(directory))();
  });
});
