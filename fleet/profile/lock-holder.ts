import { readFile, stat } from 'node:fs/promises';

/**
 * The pid of a process on this host that holds an fcntl lock on the file, as Chromium does on the LOCK of each open database; null if none is seen.
 *
 * One-sided: a holder on another host or outside this PID namespace is not seen, nor one on a file system that shows another
 * device number to stat than to the kernel (btrfs). It catches the mistake of repairing a profile under a live browser; what protects
 * a profile is the ownership of its workspace.
 */
export async function lockHolder(path: string): Promise<number | null> {
  let locks: string;
  let identity: string;
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    identity = `${deviceText(dev)}:${ino}`;
    locks = await readFile('/proc/locks', 'utf8');
  } catch {
    // No such file, or not Linux: nothing can be seen.
    return null;
  }
  for (const line of locks.split('\n')) {
    // "2: POSIX  ADVISORY  WRITE 6022 fe:00:2146509 0 EOF", and with "->" before the kind for one that waits
    const fields = line.trim().split(/\s+/);
    if (fields[1] !== '->' && fields[5] === identity) return Number(fields[4]);
  }
  return null;
}

/** Major and minor as /proc/locks prints them (two hexadecimal digits at least), from a 64-bit st_dev (glibc's gnu_dev_major, gnu_dev_minor). */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`;
}
