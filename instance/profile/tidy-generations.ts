import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { systemCode } from '../../common/errors.ts';
import { listNames, removeTree, storageError } from '../../common/files.ts';
import { type GenerationName, parseTrashEntryName, type SessionPaths } from '../../fleet/session-paths.ts';
import { listGenerations } from './generation-facts.ts';
import { readRecordOrFault } from './profile-record.ts';
import { planTidy, planTrash, type TrashFacts, type Verdict } from './tidy-plan.ts';
import type { Trash } from './trash.ts';

interface Parts {
  paths: SessionPaths;
  clock: Pick<Clock, 'now'>;
  trash: Trash;
}

/** What was tidied away, with the reasons. */
export interface Tidied {
  /** Generations that went to the trash. */
  trashed: Verdict<number>[];
  /** Entries of the trash that were removed. */
  removed: Verdict<string>[];
  /** Generations whose making was broken off, removed. */
  unfinished: number[];
}

/**
 * Moves a session's old generations to the trash and keeps the trash within its limits, as {@link planTidy} and {@link planTrash}
 * decide. For the session's owner, at any time while it runs on `current`.
 *
 * @throws WharfError `storage_unavailable`, with part of it perhaps done
 */
export async function tidyGenerations(current: GenerationName, parts: Parts): Promise<Tidied> {
  const { paths, clock, trash } = parts;
  const { complete, making } = await listGenerations(paths, current.workspace, current.session);
  const unfinished = making.filter((generation) => generation <= current.generation);
  for (const generation of unfinished) await removeTree(paths.generationInMaking({ ...current, generation }));
  // Nearly all sessions have one generation, and none of them in the trash.
  const facts =
    complete.length < 2
      ? []
      : await Promise.all(complete.map((generation) => factsOf(paths, { ...current, generation })));
  const trashed = planTidy(facts, current.generation, clock.now()).filter(({ keep }) => !keep);
  for (const { what } of trashed) await trash.moveGeneration({ ...current, generation: what });

  const removed = planTrash(await trashFacts(paths, current)).filter(({ keep }) => !keep);
  for (const { what } of removed) await removeTree(join(paths.trash(current.workspace), what));
  return { trashed, removed, unfinished };
}

async function factsOf(paths: SessionPaths, name: GenerationName) {
  const { record } = await readRecordOrFault(paths.profileRecord(name));
  const madeAt = record?.made_at ?? record?.opened_at ?? null;
  return {
    generation: name.generation,
    madeAt: madeAt === null ? null : Date.parse(madeAt),
    readyStarts: record?.ready_starts ?? 0,
  };
}

async function trashFacts(paths: SessionPaths, of: GenerationName): Promise<TrashFacts[]> {
  const directory = paths.trash(of.workspace);
  const facts: TrashFacts[] = [];
  for (const name of await listNames(directory)) {
    const entry = parseTrashEntryName(name);
    // A whole session is there because somebody deleted it: it goes by its age alone.
    if (entry === null || entry.session !== of.session || entry.generation === null) continue;
    facts.push({ name, time: entry.time, bytes: await sizeOf(join(directory, name)) });
  }
  return facts;
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await lstat(path);
    if (!found.isDirectory()) return found.size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw storageError('look at', path, error);
  }
  let bytes = 0;
  for (const name of await listNames(path)) bytes += await sizeOf(join(path, name));
  return bytes;
}
