import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  exists,
  makePrivateSubdirectory,
  readJson,
  removeTree,
  replaceFile,
  storageError,
  syncDirectory,
} from '../../common/files.ts';
import { type GenerationName, parseTrashEntryName, type SessionPaths } from '../../fleet/session-paths.ts';
import { NEW_RECORD, readRecordOrFault, writeProfileRecord } from './profile-record.ts';

/** In a profile that is about to replace another one: what becomes of that. Chromium looks at no such file. */
export const MARKER = 'wharf-restore.json';

export const markerSchema = z.strictObject({
  version: z.literal(1),
  /** The entry of the workspace's trash that takes what is replaced. */
  trash: z
    .string()
    .refine((name) => parseTrashEntryName(name) !== null, 'is no name of an entry of the trash'),
  /** The generation that is replaced. */
  replaced: z.number().int().positive(),
});

/** One profile that takes the place of another. */
export interface Replacement {
  /** Where it is to be: the generation on which the session goes on. */
  name: GenerationName;
  /** The user data directory that is moved there, on the same file system. */
  from: string;
  /** An unused name in the directory of `from`: there the generation is made where there is none yet. */
  staging: string;
  /** The generation that is replaced. */
  replaced: number;
  /** The name of the entry of the workspace's trash that takes it. It is there. */
  trash: string;
  /** The Chromium that opened the profile last, and when the profile was as it is. */
  chromium: string | null;
  takenAt: string;
  /** Milliseconds since 1970. */
  now: number;
  /** Called before each step that others see; throws where the authority has ended. */
  require: () => void;
}

/**
 * Makes a profile the session's, in one step: a rename to `restored-profile`, or of a whole generation where there is none of that number. Whoever starts the
 * session from then on starts it with this profile, and moves what it replaces to the trash first ({@link finishRestore}). No browser of the session runs.
 *
 * Ended between any two steps, it is begun again with the same values, and goes on from where it stands.
 *
 * @throws WharfError `storage_unavailable`; what `require` throws
 */
export async function replaceProfile(replacement: Replacement, paths: SessionPaths): Promise<void> {
  const { name, from, staging, replaced, trash, require } = replacement;
  require();
  await makePrivateSubdirectory(paths.workspace(name.workspace));
  await makePrivateSubdirectory(paths.session(name.workspace, name.session));
  const staged = join(staging, 'restored-profile');
  const waits = (await exists(staged)) ? staged : from;
  await replaceFile(join(waits, MARKER), `${JSON.stringify({ version: 1, trash, replaced })}\n`);
  await keepRecord(replacement, paths);
  if (await exists(paths.generation(name))) await intoGeneration(replacement, waits, paths);
  else await asGeneration(replacement, paths);
  await finishProfile(replacement, paths);
}

/** What a profile's record says goes along with it; whoever wants it back finds it there. */
async function keepRecord({ name, replaced, trash }: Replacement, paths: SessionPaths): Promise<void> {
  const kept = join(paths.trash(name.workspace), trash, 'wharf-profile.json');
  if (await exists(kept)) return;
  const { record } = await readRecordOrFault(paths.profileRecord({ ...name, generation: replaced }));
  if (record !== null) await writeProfileRecord(kept, record);
}

async function intoGeneration(
  { name, require }: Replacement,
  from: string,
  paths: SessionPaths,
): Promise<void> {
  // What was to be the profile at the next start is what is replaced.
  await finishRestore(name, paths);
  // Nobody promises anything of these files any more. Of the profile that is still there this only says that it is to be repaired.
  await removeTree(paths.releaseList(name));
  const { record } = await readRecordOrFault(paths.profileRecord(name));
  await writeProfileRecord(paths.profileRecord(name), { ...(record ?? NEW_RECORD), clean_stop: false });
  require();
  await move(from, paths.restoredProfile(name));
}

async function asGeneration(replacement: Replacement, paths: SessionPaths): Promise<void> {
  const { name, from, staging, require } = replacement;
  await makePrivateSubdirectory(staging);
  await writeProfileRecord(join(staging, 'wharf-profile.json'), recordOf(replacement));
  const staged = join(staging, 'restored-profile');
  if (!(await exists(staged))) await move(from, staged);
  require();
  await move(staging, paths.generation(name));
}

/** Moves what is replaced away, and says of the profile what is known of it. Repeatable: done already, it does nothing. */
export async function finishProfile(
  replacement: Pick<Replacement, 'name' | 'chromium' | 'takenAt' | 'now' | 'require'>,
  paths: SessionPaths,
): Promise<void> {
  const { name, require } = replacement;
  require();
  if (await finishRestore(name, paths))
    await writeProfileRecord(paths.profileRecord(name), recordOf(replacement));
}

function recordOf({ chromium, takenAt, now }: Pick<Replacement, 'chromium' | 'takenAt' | 'now'>) {
  return { ...NEW_RECORD, chromium, opened_at: takenAt, made_at: new Date(now).toISOString() };
}

/**
 * Puts a restored profile in the place of the one it replaces. That is kept beside it, or goes to the trash where whoever put the restored one there wanted it so.
 * Whoever was cut off while doing so goes on from where it stands: the restored profile is there until it has its place.
 *
 * @returns false if there is none to put in place
 * @throws WharfError `storage_unavailable`
 */
export async function finishRestore(name: GenerationName, paths: SessionPaths): Promise<boolean> {
  const restored = paths.restoredProfile(name);
  if (!(await exists(restored))) return false;
  const profile = paths.userData(name);
  const marker = await readJson(join(restored, MARKER), markerSchema);
  if (marker !== null) {
    const replaced = { ...name, generation: marker.replaced };
    await moveReplaced(replaced, marker.trash, paths);
  }
  try {
    if (await exists(profile)) {
      await removeTree(paths.lostProfile(name));
      await rename(profile, paths.lostProfile(name));
    }
    await rename(restored, profile);
    await syncDirectory(dirname(profile));
  } catch (error) {
    throw storageError('put the restored profile in its place', profile, error);
  }
  return true;
}

/**
 * Moves a profile, and what belongs to it in its generation, to an entry of the trash. Its browser has ended. What the entry holds already stays as it is.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function moveReplaced(name: GenerationName, trash: string, paths: SessionPaths): Promise<void> {
  await makePrivateSubdirectory(paths.trash(name.workspace));
  const entry = join(paths.trash(name.workspace), trash);
  await makePrivateSubdirectory(entry);
  // The good copies are of the profile that goes, and so is what it was copied from: none of it may take the place of the one that comes.
  const parts = [
    paths.goodCopies(name),
    paths.lostProfile(name),
    paths.adoptedList(name),
    paths.userData(name),
  ];
  for (const part of parts) {
    const to = join(entry, part.slice(paths.generation(name).length + 1));
    if ((await exists(part)) && !(await exists(to))) await move(part, to);
  }
}

/** Renames something on the session path, durably. Throws WharfError `storage_unavailable`. */
export async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncDirectory(dirname(to));
    if (dirname(from) !== dirname(to)) await syncDirectory(dirname(from));
  } catch (error) {
    throw storageError('put in its place', from, error);
  }
}
