import { readFile, realpath } from 'node:fs/promises';
import type { Finding } from './finding.ts';

const SUBJECT = 'file system';

/** A line of /proc/self/mounts. */
export interface Mount {
  point: string;
  type: string;
  options: string[];
}

/** Which file system a path is on, and whether it is mounted so that one host sees the claims of another in time. */
export async function checkMount(path: string): Promise<Finding> {
  const text = await readFile('/proc/self/mounts', 'utf8').catch(() => null);
  if (text === null)
    return { subject: SUBJECT, status: 'skipped', detail: 'this system does not list its mounts' };
  return judgeMount(mountOf(await realpath(path), parseMounts(text)));
}

/** Reads /proc/self/mounts: fields between spaces, with blanks written as octal (proc(5)). */
export function parseMounts(text: string): Mount[] {
  const plain = (field: string) =>
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length >= 4)
    .map(([, point = '', type = '', options = '']) => ({
      point: plain(point),
      type,
      options: options.split(','),
    }));
}

/** The mount a path is on: the deepest above it, and of those on one point the last. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const above = mounts.filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`));
  return above.reduce<Mount | undefined>(
    (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
    undefined,
  );
}

/** What a mount's type and options mean for Wharf. NFS's default name cache was seen to hide a new claim for 29 s. */
export function judgeMount(mount: Mount | undefined): Finding {
  if (mount === undefined) return { subject: SUBJECT, status: 'skipped', detail: 'its mount was not found' };
  const detail = `${mount.type} at ${mount.point}`;
  if (mount.options.includes('ro')) {
    return {
      subject: SUBJECT,
      status: 'failed',
      detail: `${detail}, read-only`,
      hint: 'Mount it read-write.',
    };
  }
  if (mount.type === 'nfs' || mount.type === 'nfs3') {
    return {
      subject: SUBJECT,
      status: 'failed',
      detail: `${detail}: NFS before version 4`,
      hint: 'Mount it with vers=4.1.',
    };
  }
  if (
    mount.type === 'nfs4' &&
    !mount.options.some((option) => /^lookupcache=(pos|positive|none)$/.test(option))
  ) {
    return {
      subject: SUBJECT,
      status: 'failed',
      detail: `${detail} caches that a name is missing: a new owner may go unseen for half a minute`,
      hint: 'Mount it with lookupcache=positive.',
    };
  }
  const soft = mount.options.find((option) => option === 'soft' || option === 'softerr');
  if (mount.type === 'nfs4' && soft !== undefined) {
    return {
      subject: SUBJECT,
      status: 'failed',
      detail: `${detail} is mounted with ${soft}: a write may fail in the middle of a profile while the server is away`,
      hint: 'Mount it with hard.',
    };
  }
  if (mount.type === 'nfs4' && mount.options.includes('nocto')) {
    return {
      subject: SUBJECT,
      status: 'failed',
      detail: `${detail} is mounted with nocto: what directories hold may be half a minute old`,
      hint: 'Mount it without nocto.',
    };
  }
  if (mount.type === 'tmpfs') {
    return {
      subject: SUBJECT,
      status: 'warning',
      detail: `${detail}: gone when the host restarts`,
      hint: 'Keep sessions on a disk.',
    };
  }
  return { subject: SUBJECT, status: 'ok', detail };
}
