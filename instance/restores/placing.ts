import { join } from 'node:path';
import { exists, readJson } from '../../common/files.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import { readRecordOrFault } from '../profile/profile-record.ts';
import { MARKER, markerSchema } from '../profile/replace-profile.ts';

/** Where a profile waits to be put in place. */
export interface Waiting {
  /** The user data directory. */
  from: string;
  /** Beside it: what is made a generation of there. */
  staging: string;
}

/** Where a profile is that was to be put in place, also after whoever was about to do so ended between two steps. */
export type Place =
  /** Where it was prepared. */
  | { kind: 'waiting' }
  /** In the generation on which the session goes on, or that one was made from it. */
  | { kind: 'placed'; generation: number }
  /** In a generation that nobody went on with: an owner was cut off before its record named it. */
  | { kind: 'stranded'; generation: number; from: string }
  | { kind: 'missing' };

/** What tells a profile that was to be put in place: its marker names this entry of the trash, and it was to be in one of these generations. */
export interface Tried {
  trash: string;
  placed: readonly number[];
}

/**
 * Looks where a profile is.
 *
 * @param of the session, with the generation its record names; null where there is no record
 * @throws WharfError `storage_unavailable`
 */
export async function findPlace(
  waiting: Waiting,
  of: Omit<GenerationName, 'generation'>,
  current: number | null,
  { trash, placed }: Tried,
  paths: SessionPaths,
): Promise<Place> {
  if ((await exists(waiting.from)) || (await exists(join(waiting.staging, 'restored-profile'))))
    return { kind: 'waiting' };
  for (const generation of [...placed].reverse()) {
    const name = { ...of, generation };
    for (const directory of [paths.restoredProfile(name), paths.userData(name)]) {
      const marker = await readJson(join(directory, MARKER), markerSchema).catch(() => null);
      if (marker?.trash !== trash) continue;
      const isUsed = current !== null && (await comesFrom({ ...of, generation: current }, generation, paths));
      return isUsed ? { kind: 'placed', generation } : { kind: 'stranded', generation, from: directory };
    }
  }
  return { kind: 'missing' };
}

/** Whether a generation is that one, or was made from it, be it by way of others. */
async function comesFrom(name: GenerationName, origin: number, paths: SessionPaths): Promise<boolean> {
  let generation = name.generation;
  while (generation > origin) {
    const { record } = await readRecordOrFault(paths.profileRecord({ ...name, generation }));
    const from = record?.made_from ?? 0;
    if (from >= generation) return false;
    generation = from;
  }
  return generation === origin;
}
