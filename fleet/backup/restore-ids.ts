import { z } from 'zod';
import { newStampedId } from '../stamped-ids.ts';
import { timeOfStamp } from '../stamps.ts';

/** The name of a restore, `r-20261122T093000Z-1a2b3c`: sorts by time. */
export const restoreIdSchema = z
  .string()
  .regex(/^r-\d{8}T\d{6}Z-[0-9a-f]{6}$/, 'is no id of a restore, such as r-20261122T093000Z-1a2b3c');

/** The id of a restore, or an import, that begins now, milliseconds since 1970. */
export function newRestoreId(now: number): string {
  return newStampedId('r', now);
}

/** When a restore began, by its id, milliseconds since 1970; null where it is no id of a restore. */
export function timeOfRestore(id: string): number | null {
  return restoreIdSchema.safeParse(id).success ? timeOfStamp(id.split('-')[1] ?? '') : null;
}
