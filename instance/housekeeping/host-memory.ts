import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Memory that can be given out yet, and out of how much: of the host, or of the control group where that has less left of its own. Bytes. */
export interface HostMemory {
  available: number;
  total: number;
}

/** What a control group (version 2) says of its memory; null where there is none, or it has no limit. */
export interface GroupMemory {
  /** `memory.high` or `memory.max`, whichever is less. */
  limit: number;
  /** `memory.current`. */
  current: number;
  /** What of it the kernel takes back first: `inactive_file` in `memory.stat`. */
  reclaimable: number;
}

/** Share of all memory that must be left, or the host is short of it. */
const LEAST_LEFT = 0.08;

/** Whether memory runs out. */
export function isShort({ available, total }: HostMemory): boolean {
  return total > 0 && available / total < LEAST_LEFT;
}

/**
 * What is left of memory.
 *
 * @param meminfo the text of `/proc/meminfo`
 * @returns null where that cannot be told
 */
export function memoryLeft(meminfo: string, group: GroupMemory | null): HostMemory | null {
  const total = kilobytes(meminfo, 'MemTotal');
  const available = kilobytes(meminfo, 'MemAvailable');
  if (total === null || available === null) return null;
  const host = { available, total };
  if (group === null || group.limit >= total) return host;
  const own = {
    available: Math.max(0, group.limit - (group.current - group.reclaimable)),
    total: group.limit,
  };
  return own.available / own.total < host.available / host.total ? own : host;
}

/** What is left of this host's memory now, or of this process's control group; null where that cannot be told. Never throws. */
export async function readHostMemory(root = '/'): Promise<HostMemory | null> {
  const meminfo = await read(join(root, 'proc/meminfo'));
  return meminfo === null ? null : memoryLeft(meminfo, await readGroup(root));
}

async function readGroup(root: string): Promise<GroupMemory | null> {
  const membership = await read(join(root, 'proc/self/cgroup'));
  const path = /^0::(\/.*)$/m.exec(membership ?? '')?.[1];
  if (path === undefined) return null;
  const directory = join(root, 'sys/fs/cgroup', path);
  const [high, max, current, stat] = await Promise.all(
    ['memory.high', 'memory.max', 'memory.current', 'memory.stat'].map((name) => read(join(directory, name))),
  );
  // "max" is no number: there is no limit.
  const limits = [high, max].map(Number).filter((limit) => Number.isFinite(limit) && limit > 0);
  const used = Number(current ?? Number.NaN);
  if (limits.length === 0 || !Number.isFinite(used)) return null;
  const reclaimable = Number(/^inactive_file (\d+)$/m.exec(stat ?? '')?.[1] ?? 0);
  return { limit: Math.min(...limits), current: used, reclaimable };
}

function kilobytes(meminfo: string, name: string): number | null {
  const digits = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1];
  return digits === undefined ? null : Number(digits) * 1024;
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
