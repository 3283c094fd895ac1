import { systemCode } from '../../common/errors.ts';
import { exists, listNames, readJson } from '../../common/files.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import {
  type GenerationName,
  parseGenerationDirectory,
  parseGenerationInMaking,
  parseGoodCopy,
  type SessionPaths,
} from '../../fleet/session-paths.ts';
import { readRecordOrFault } from './profile-record.ts';
import type { GenerationFacts, ProfileSource } from './profile-sources.ts';
import { adoptedListSchema } from './release-list.ts';

/** The generations in a session's directory, newest first. */
export interface GenerationDirectories {
  complete: number[];
  /** Those that are being made, or were when their maker ended. */
  making: number[];
}

/** Throws WharfError `storage_unavailable`. A session without a directory has none. */
export async function listGenerations(
  paths: SessionPaths,
  workspace: WorkspaceId,
  session: SessionId,
): Promise<GenerationDirectories> {
  const names = await listNames(paths.session(workspace, session));
  const numbers = (parse: (name: string) => number | null) =>
    names
      .map(parse)
      .filter((number) => number !== null)
      .sort((left, right) => right - left);
  return { complete: numbers(parseGenerationDirectory), making: numbers(parseGenerationInMaking) };
}

/** Throws WharfError `storage_unavailable`; what is there and cannot be understood counts as not there. */
export async function readFacts(paths: SessionPaths, name: GenerationName): Promise<GenerationFacts> {
  const { record } = await readRecordOrFault(paths.profileRecord(name));
  const adopted = await readJson(paths.adoptedList(name), adoptedListSchema).catch((error: unknown) => {
    if (error instanceof Error && systemCode(error.cause) !== undefined) throw error;
    return null;
  });
  return {
    generation: name.generation,
    hasProfile: (await exists(paths.userData(name))) || (await exists(paths.restoredProfile(name))),
    readyStarts: record?.ready_starts ?? 0,
    adopted: adopted && {
      from: adopted.from,
      hasFiles: adopted.files !== null,
      goodCopies: adopted.good_copies,
    },
    goodCopies: await listGoodCopies(paths, name),
  };
}

/** When the good copies in a generation were made, milliseconds since 1970. Throws WharfError `storage_unavailable`. */
export async function listGoodCopies(paths: SessionPaths, name: GenerationName): Promise<number[]> {
  return (await listNames(paths.goodCopies(name))).map(parseGoodCopy).filter((time) => time !== null);
}

/** The user data directory of a source. Throws WharfError `storage_unavailable`. */
export async function sourceDirectory(
  paths: SessionPaths,
  of: { workspace: WorkspaceId; session: SessionId },
  source: ProfileSource,
): Promise<string> {
  const name = { workspace: of.workspace, session: of.session, generation: source.generation };
  if (source.kind === 'good_copy') return paths.goodCopy(name, source.time);
  // Whoever put it there had decided to start with it, and was kept from it.
  const restored = paths.restoredProfile(name);
  return (await exists(restored)) ? restored : paths.userData(name);
}
