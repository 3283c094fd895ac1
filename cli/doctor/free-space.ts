import { type Space, spaceOf } from '../../common/space.ts';
import type { Finding } from './finding.ts';

const SUBJECT = 'free space';
const GIGABYTE = 1024 ** 3;
/** A session's profile takes about 20 to 60 MB; below the second there is no room for ten more. */
const FEW = 10 * GIGABYTE;
const TOO_FEW = 0.5 * GIGABYTE;
/** A profile has some hundreds of files. */
const FEW_FILES = 50_000;

/** How much room the file system of a path has for this user. */
export async function checkSpace(path: string): Promise<Finding> {
  return judgeSpace(await spaceOf(path));
}

/** What is to be said of so much room. Pure. */
export function judgeSpace(space: Space): Finding {
  const detail = `${(space.free / GIGABYTE).toFixed(1)} of ${(space.total / GIGABYTE).toFixed(1)} GB free`;
  const hint = 'Make room, or enlarge the file system: a full one loses what sessions write.';
  if (space.free < TOO_FEW) return { subject: SUBJECT, status: 'failed', detail, hint };
  if (space.freeFiles !== null && space.freeFiles < FEW_FILES) {
    return {
      subject: SUBJECT,
      status: 'warning',
      detail: `${detail}, but only ${space.freeFiles} more files (inodes)`,
      hint,
    };
  }
  if (space.free < FEW) return { subject: SUBJECT, status: 'warning', detail, hint };
  return { subject: SUBJECT, status: 'ok', detail };
}
