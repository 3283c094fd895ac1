import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, systemCode } from '../../common/errors.ts';
import {
  listNames,
  makePrivateSubdirectory,
  readJson,
  replaceFile,
  storageError,
  syncDirectory,
} from '../../common/files.ts';
import { restoreIdSchema } from '../../fleet/backup/restore-ids.ts';
import { sessionRecordSchema } from '../../fleet/records.ts';
import {
  type GenerationName,
  parseTrashEntryName,
  type SessionPaths,
  type TrashEntry,
  trashEntryName,
} from '../../fleet/session-paths.ts';

const NOTE = 'wharf-restore.json';

const trashNameSchema = z
  .string()
  .refine((name) => parseTrashEntryName(name) !== null, 'is no name of an entry of the trash');

const generationsSchema = z.array(z.number().int().positive());

/**
 * `wharf-restore.json` in the entry of the trash that takes what a restore replaces: there before anything is replaced, so that whoever goes on with a restore that was
 * cut off, or undoes it, knows what was there before.
 */
const restoreNoteSchema = z.strictObject({
  version: z.literal(1),
  restore: restoreIdSchema,
  state: z.enum(['begun', 'done', 'undone']),
  /** The session's record before; null: there was none. */
  before: sessionRecordSchema.nullable(),
  /** Whether it had a profile before. */
  had_profile: z.boolean(),
  /** The link of what was restored; null where that has none. */
  link_id: z.string().nullable(),
  /** The generations that the restored profile was to be in: the last one, unless an owner in between was cut off. */
  placed: generationsSchema,
  /** What the undoing of it replaced, once that was begun. */
  undo: z.strictObject({ trash: trashNameSchema, placed: generationsSchema }).nullable(),
});
export type RestoreNote = z.infer<typeof restoreNoteSchema>;

/** A note, and the name of the entry of the trash it lies in. */
export interface FoundNote {
  trash: string;
  note: RestoreNote;
}

/** The note of a restore, or null where there is none (any more). Throws WharfError `storage_unavailable`. */
export async function findNote(
  paths: SessionPaths,
  of: Pick<GenerationName, 'workspace' | 'session'>,
  restore: string,
): Promise<FoundNote | null> {
  const directory = paths.trash(of.workspace);
  for (const trash of await listNames(directory, 'list the trash')) {
    if (parseTrashEntryName(trash)?.session !== of.session) continue;
    const note = await readNote(join(directory, trash, NOTE));
    if (note?.restore === restore) return { trash, note };
  }
  return null;
}

/** A note that cannot be understood is none: what it lies beside is kept all the same. */
async function readNote(path: string): Promise<RestoreNote | null> {
  try {
    return await readJson(path, restoreNoteSchema);
  } catch (error) {
    // A file in the trash that has no note in it, since it is none of ours.
    if (isWharfError(error) && systemCode(error.cause) === 'ENOTDIR') return null;
    if (isWharfError(error) && systemCode(error.cause) !== undefined) throw error;
    return null;
  }
}

/** Durable. Throws WharfError `storage_unavailable`. */
export async function writeNote(
  paths: SessionPaths,
  workspace: string,
  { trash, note }: FoundNote,
): Promise<void> {
  await replaceFile(join(paths.trash(workspace), trash, NOTE), `${JSON.stringify(note)}\n`);
}

/**
 * Makes an empty entry in a workspace's trash for what is about to be replaced there.
 *
 * @returns its name
 * @throws WharfError `storage_unavailable`
 */
export async function makeTrashEntry(
  paths: SessionPaths,
  name: GenerationName,
  clock: Pick<Clock, 'now'>,
): Promise<string> {
  const directory = paths.trash(name.workspace);
  await makePrivateSubdirectory(paths.workspace(name.workspace));
  await makePrivateSubdirectory(directory);
  const entry: TrashEntry = { time: clock.now(), session: name.session, generation: name.generation };
  for (;;) {
    const made = trashEntryName(entry);
    try {
      await mkdir(join(directory, made), 0o700);
      await syncDirectory(directory);
      return made;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw storageError('make an entry in the trash', directory, error);
      // Twice within one millisecond: the next one's name is free.
      entry.time += 1;
    }
  }
}
