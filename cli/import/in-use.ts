import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../../common/errors.ts';
import { NEEDED } from '../../fleet/profile/needed-files.ts';

/** Files that processes of this machine have open, as far as that can be seen. */
export interface OpenFiles {
  /** Process ids, by `device:inode`: a container's processes are known by it too, whatever its paths. */
  holders: ReadonlyMap<string, number>;
  /** Processes of other users, whose files this user may not see. */
  unseen: number;
}

/** What says that a profile is in use. */
export type Use =
  /** A process of this machine has its files open, or is the browser its lock names. */
  | { kind: 'in_use'; pid: number }
  /** Its lock names a browser on a machine, or in a container, that cannot be seen from here. */
  | { kind: 'locked_elsewhere'; host: string };

/** Looks through all processes of this machine. */
export async function findOpenFiles(): Promise<OpenFiles> {
  const holders = new Map<string, number>();
  let unseen = 0;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) {
    const directory = `/proc/${pid}/fd`;
    let names: string[];
    try {
      names = await readdir(directory);
    } catch (error) {
      if (systemCode(error) === 'EACCES') unseen += 1;
      continue;
    }
    for (const name of names) {
      const path = join(directory, name);
      const target = await readlink(path).catch(() => '');
      if (!target.startsWith('/') || target.startsWith('/dev/')) continue;
      const identity = await identityOf(path);
      if (identity !== null) holders.set(identity, pid);
    }
  }
  return { holders, unseen };
}

/** Whether a profile is in use; null where nothing says so. */
export async function findUse(userData: string, { holders }: OpenFiles): Promise<Use | null> {
  for (const directory of NEEDED) {
    const pid = await holderBelow(join(userData, directory), holders);
    if (pid !== undefined) return { kind: 'in_use', pid };
  }
  // `SingletonLock -> host-pid`: Chromium's own, which its headless shell does not make.
  const lock = await readlink(join(userData, 'SingletonLock')).catch(() => null);
  const [, host, pid] = /^(.*)-(\d+)$/.exec(lock ?? '') ?? [];
  if (host === undefined) return null;
  if (host !== hostname()) return { kind: 'locked_elsewhere', host };
  return (await isChromium(Number(pid))) ? { kind: 'in_use', pid: Number(pid) } : null;
}

async function holderBelow(
  directory: string,
  holders: ReadonlyMap<string, number>,
): Promise<number | undefined> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      const found = await holderBelow(path, holders);
      if (found !== undefined) return found;
    }
    const identity = entry.isFile() ? await identityOf(path) : null;
    const pid = identity === null ? undefined : holders.get(identity);
    if (pid !== undefined) return pid;
  }
  return undefined;
}

async function identityOf(path: string): Promise<string | null> {
  return await stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => null,
  );
}

/** A lock outlives a browser that was killed, and its process id may be another program's by now. */
async function isChromium(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return /chrom|headless.shell/i.test(command);
}
