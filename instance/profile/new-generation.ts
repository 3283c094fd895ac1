import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, WharfError } from '../../common/errors.ts';
import { makePrivateSubdirectory, removeTree, storageError, syncDirectory } from '../../common/files.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import { listGenerations, listGoodCopies, readFacts, sourceDirectory } from './generation-facts.ts';
import { type CopiedProfile, ProfileCopy } from './profile-copy.ts';
import { NEW_RECORD, readRecordOrFault, writeProfileRecord } from './profile-record.ts';
import { describeSource, orderSources, type ProfileSource } from './profile-sources.ts';
import { writeAdoptedList } from './release-list.ts';
import { expectedOf } from './source-list.ts';

/** A session that a new owner takes over. */
export interface GenerationRequest {
  /** As `session.json` has it; `generation` is what is copied from. */
  record: Pick<SessionRecord, 'workspace_id' | 'session_id' | 'generation' | 'linked'>;
  /** The generation to make: the epoch of the claim, or the one the claim names. */
  to: number;
  /** Whether the owner before released the workspace: then a list of what it left is waited for. */
  released: boolean;
  /** Aborted when the authority ends: the making stops at its next step. */
  signal: AbortSignal;
  log: Logger;
}

/** A generation that is complete. */
export interface MadeGeneration {
  /** What `session.json` is to name from now on. */
  generation: number;
  /** What it was made from; null where there was nothing to copy, or nothing to make. */
  source: ProfileSource | null;
  /** The copy; null as {@link MadeGeneration.source}. */
  copied: Pick<CopiedProfile, 'bytes' | 'exact' | 'clean' | 'repair'> | null;
}

/** A generation whose first pass is done. */
export interface GenerationInMaking {
  /**
   * The second pass, repair and checks, and then the generation gets its name. Call it when nobody can write to the source any more
   * (after `T_wait`, or the processes were seen to end), once.
   *
   * @throws WharfError `storage_unavailable`, `browser_failed` (somebody still writes to the source): begin again later;
   *   `profile_damaged`: no source is good; or the signal's reason
   */
  finish(): Promise<MadeGeneration>;
}

interface Parts {
  paths: SessionPaths;
  clock: Pick<Clock, 'now' | 'sleep'>;
}

/**
 * Begins a session's generation `to` with a copy of the one its record names, and returns after the first pass; whoever owned the
 * session before may still be writing meanwhile. It is made under the name `gen-{to}.making`, and nothing takes it for a generation until
 * it is complete. What an earlier try left under such a name is removed. Done already, it is done at once.
 *
 * @throws WharfError `not_owner` where there is a generation above `to`: a later owner made it; `storage_unavailable`; or the signal's reason
 */
export async function beginGeneration(request: GenerationRequest, parts: Parts): Promise<GenerationInMaking> {
  const { record, to, signal } = request;
  if (record.generation >= to) return done({ generation: record.generation, source: null, copied: null });
  const { complete, making } = await listGenerations(parts.paths, record.workspace_id, record.session_id);
  const newest = Math.max(0, ...complete, ...making);
  if (newest > to) {
    throw new WharfError(
      'not_owner',
      `Generation ${to} of session ${record.session_id} (workspace ${record.workspace_id}) is not made: generation ${newest} is there, so somebody owns it at a later epoch.`,
    );
  }
  if (complete.includes(to)) return done({ generation: to, source: null, copied: null });
  for (const generation of making) {
    signal.throwIfAborted();
    await removeTree(parts.paths.generationInMaking(nameOf(request, generation)));
  }

  const facts = [];
  for (const generation of complete) facts.push(await readFacts(parts.paths, nameOf(request, generation)));
  const sources = orderSources(facts, record.generation);
  const [first, ...others] = sources;
  if (first === undefined) {
    if (!record.linked) return done({ generation: to, source: null, copied: null });
    const path = parts.paths.generation(nameOf(request, record.generation));
    throw storageError(
      'find the profile of a linked session',
      path,
      new Error('there is none, in no generation'),
    );
  }
  if (first.kind !== 'profile' || first.provenBy !== null) {
    request.log.error(
      { generation: record.generation, next: describeSource(first) },
      'the generation that the session names holds no profile; the next best copy of it is tried',
    );
  }
  const begun = await beginOne(request, first, parts);
  return { finish: () => finishAny(request, begun, others, parts) };
}

/** Goes on to the next source where one is damaged, and says so. */
async function finishAny(
  request: GenerationRequest,
  first: GenerationInMaking,
  others: readonly ProfileSource[],
  parts: Parts,
): Promise<MadeGeneration> {
  let making = first;
  let firstError: unknown;
  for (const next of [...others, null]) {
    try {
      return await making.finish();
    } catch (error) {
      if (!isWharfError(error, 'profile_damaged')) throw error;
      firstError ??= error;
      if (next === null) break;
      request.log.error(
        { reason: error.message, next: describeSource(next) },
        'a profile cannot be taken over; the next best copy of it is tried',
      );
      making = await beginOne(request, next, parts);
    }
  }
  // Of an account that was never linked nothing is lost.
  if (request.record.linked) throw firstError;
  await removeTree(parts.paths.generationInMaking(nameOf(request, request.to)));
  return { generation: request.to, source: null, copied: null };
}

async function beginOne(
  request: GenerationRequest,
  source: ProfileSource,
  parts: Parts,
): Promise<GenerationInMaking> {
  const { paths, clock } = parts;
  const { record, signal } = request;
  const target = nameOf(request, request.to);
  const making = paths.generationInMaking(target);
  const inMaking = (path: string) => making + path.slice(paths.generation(target).length);
  await removeTree(making);
  await makePrivateSubdirectory(making);
  await makePrivateSubdirectory(inMaking(paths.userData(target)));
  const copy = new ProfileCopy(
    {
      from: await sourceDirectory(paths, target, source),
      to: inMaking(paths.userData(target)),
      tails: inMaking(paths.tornTails(target)),
      expected: () => expectedOf(paths, target, source),
      awaitList: request.released && source.kind === 'profile' && source.provenBy === null,
      mismatch: source.kind === 'profile' && source.provenBy !== null ? 'spoiled' : 'late',
      linked: record.linked,
      about: `The profile of session ${record.session_id} (workspace ${record.workspace_id}) in ${describeSource(source)}`,
      signal,
    },
    clock,
  );
  await copy.begin();

  return {
    finish: async () => {
      const copied = await copy.finish();
      const before = await readRecordOrFault(
        paths.profileRecord({ ...target, generation: source.generation }),
      );
      signal.throwIfAborted();
      await writeAdoptedList(inMaking(paths.adoptedList(target)), {
        version: 1,
        from: source.generation,
        files: source.kind === 'profile' ? copied.files : null,
        good_copies: await listGoodCopies(paths, { ...target, generation: source.generation }),
      });
      signal.throwIfAborted();
      await writeProfileRecord(inMaking(paths.profileRecord(target)), {
        ...NEW_RECORD,
        chromium: before.record?.chromium ?? null,
        opened_at: before.record?.opened_at ?? null,
        clean_stop: copied.clean,
        made_at: new Date(clock.now()).toISOString(),
        made_from: source.generation,
      });
      signal.throwIfAborted();
      await giveName(making, paths.generation(target));
      const { bytes, exact, clean, repair } = copied;
      return { generation: request.to, source, copied: { bytes, exact, clean, repair } };
    },
  };
}

async function giveName(making: string, path: string): Promise<void> {
  try {
    await rename(making, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw storageError('give the new generation its name', path, error);
  }
}

function nameOf(request: GenerationRequest, generation: number): GenerationName {
  return { workspace: request.record.workspace_id, session: request.record.session_id, generation };
}

function done(made: MadeGeneration): GenerationInMaking {
  return { finish: async () => made };
}
