import { link, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, systemCode } from '../../common/errors.ts';
import {
  makePrivateSubdirectory,
  removeTree,
  storageError,
  syncDirectory,
  syncTree,
} from '../../common/files.ts';
import type { Logger } from '../../common/logger.ts';
import { copyFile } from '../../fleet/profile/copy-file.ts';
import { isTable, listNeeded } from '../../fleet/profile/needed-files.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import { listGenerations, readFacts, sourceDirectory } from './generation-facts.ts';
import { ProfileCopy } from './profile-copy.ts';
import { describeSource, orderSources, type ProfileSource } from './profile-sources.ts';
import { expectedOf } from './source-list.ts';

interface Parts {
  paths: SessionPaths;
  clock: Pick<Clock, 'now' | 'sleep'>;
}

/**
 * Keeps a copy of a profile that has just been stopped cleanly, in place of the one kept before. Tables are shared by hard links where
 * the file system has room for them: LevelDB writes a table once and then only removes it, so that a copy costs some small files.
 *
 * The caller knows that the session was ready on the profile, that its browser closed by itself, and that nothing runs there now.
 *
 * @throws WharfError `storage_unavailable`; the copy kept before is still there
 */
export async function keepGoodCopy(name: GenerationName, parts: Parts): Promise<void> {
  const { paths, clock } = parts;
  const from = paths.userData(name);
  const directory = paths.goodCopies(name);
  const to = paths.goodCopy(name, clock.now());
  const making = `${to}.making`;
  await makePrivateSubdirectory(directory);
  try {
    await makePrivateSubdirectory(making);
    await pMap(await listNeeded(from), (path) => copyOrLink(join(from, path), join(making, path)), {
      concurrency: 3,
    });
    await syncTree(making);
    await rename(making, to);
    await syncDirectory(directory);
    for (const other of await readdir(directory))
      if (join(directory, other) !== to) await removeTree(join(directory, other));
  } catch (error) {
    await removeTree(making).catch(() => undefined);
    throw storageError('keep a good copy of the profile', to, error);
  }
}

/** A good copy that was made ready to be the profile. */
export interface LastGood {
  /** Where it comes from, in words. */
  from: string;
  /** What happened since is not in it. Milliseconds since 1970. */
  takenAt: number;
}

/**
 * Gets the last good copy of a session's profile ready to be its profile at the next start ({@link finishRestore}), in the same generation:
 * copied, repaired and checked under another name first. Its browser must have ended.
 *
 * @returns null if there is no good one
 * @throws WharfError `storage_unavailable`
 */
export async function prepareLastGood(
  name: GenerationName,
  log: Logger,
  signal: AbortSignal,
  parts: Parts,
): Promise<LastGood | null> {
  const { paths } = parts;
  const { complete } = await listGenerations(paths, name.workspace, name.session);
  const facts = [];
  for (const generation of complete) facts.push(await readFacts(paths, { ...name, generation }));
  const lost = (source: ProfileSource) => source.kind === 'profile' && source.provenBy === null;
  for (const source of orderSources(facts, name.generation).filter((one) => !lost(one))) {
    try {
      const takenAt = await timeOf(name, source, parts);
      await restoreFrom(name, source, signal, parts);
      return { from: describeSource(source), takenAt };
    } catch (error) {
      if (!isWharfError(error, 'profile_damaged')) throw error;
      log.warn({ reason: error.message }, 'a good copy of the profile is good no longer; the next is tried');
    }
  }
  return null;
}

/** When a source was what it is: of a profile that is, when something was written there last. */
async function timeOf(name: GenerationName, source: ProfileSource, { paths, clock }: Parts): Promise<number> {
  if (source.kind === 'good_copy') return source.time;
  const directory = await sourceDirectory(paths, name, source);
  try {
    const files = await listNeeded(directory);
    const times = await pMap(files, async (path) => (await stat(join(directory, path))).mtimeMs, {
      concurrency: 3,
    });
    return times.length === 0 ? clock.now() : Math.round(Math.max(...times));
  } catch (error) {
    throw storageError('look how old a profile is', directory, error);
  }
}

async function restoreFrom(
  name: GenerationName,
  source: ProfileSource,
  signal: AbortSignal,
  parts: Parts,
): Promise<void> {
  const { paths, clock } = parts;
  const restored = paths.restoredProfile(name);
  const making = `${restored}.making`;
  await removeTree(making);
  await makePrivateSubdirectory(making);
  const copy = new ProfileCopy(
    {
      from: await sourceDirectory(paths, name, source),
      to: making,
      tails: paths.tornTails(name),
      expected: () => expectedOf(paths, name, source),
      awaitList: false,
      mismatch: 'spoiled',
      linked: true,
      about: `The profile of session ${name.session} (workspace ${name.workspace}) in ${describeSource(source)}`,
      signal,
    },
    clock,
  );
  await copy.begin();
  await copy.finish();
  try {
    await rename(making, restored);
    await syncDirectory(dirname(restored));
  } catch (error) {
    throw storageError('put the restored profile in its place', restored, error);
  }
}

async function copyOrLink(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  if (isTable(from)) {
    try {
      await link(from, to);
      return;
    } catch (error) {
      // No links here, or no more of this file (GlusterFS: 47): a copy does as well.
      if (systemCode(error) === 'ENOENT') throw error;
    }
  }
  await copyFile(from, to);
}
