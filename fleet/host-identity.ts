import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { statFields } from '../common/proc.ts';
import type { HostIdentity } from './coordination.ts';

/** Which host this process is on. Linux: from `/proc`. */
export async function hostIdentity(): Promise<HostIdentity> {
  const [bootId, pidNamespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid'),
  ]);
  return { name: hostname(), boot: `${bootId.trim()}/${/\d+/.exec(pidNamespace)?.[0] ?? ''}` };
}

/** Whether pids mean the same processes on both. */
export function isSameHost(a: HostIdentity, b: HostIdentity): boolean {
  return a.name === b.name && a.boot === b.boot;
}

/** Whether both are one running kernel, and so one client of a file server, though their pid namespaces may differ. */
export function isSameKernel(a: HostIdentity, b: HostIdentity): boolean {
  return kernelOf(a) === kernelOf(b);
}

function kernelOf({ boot }: HostIdentity): string {
  return boot.split('/', 1)[0] ?? '';
}

/**
 * When a process was started, in clock ticks since boot (proc(5), field 22 of `/proc/PID/stat`): what tells it from a later one of the same
 * pid. Null when there is no such process, or only its zombie.
 */
export async function processStart(pid: number): Promise<string | null> {
  const fields = await statFields(pid);
  const [state, started] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' || started === undefined ? null : started;
}
