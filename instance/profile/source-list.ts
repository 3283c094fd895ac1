import { readJson } from '../../common/files.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import type { Expected } from './profile-copy.ts';
import type { ProfileSource } from './profile-sources.ts';
import { adoptedListSchema, readReleaseList } from './release-list.ts';

/**
 * What a source must hold, as far as somebody wrote it down: its owner at the release, or whoever copied it first. Null where nobody did.
 * A good copy needs no list: it got its name when it was complete, and nobody writes there.
 *
 * @param of any generation of the session
 * @throws WharfError `storage_unavailable`
 */
export async function expectedOf(
  paths: SessionPaths,
  of: GenerationName,
  source: ProfileSource,
): Promise<Expected | null> {
  if (source.kind === 'good_copy') return null;
  if (source.provenBy === null)
    return await readReleaseList(paths.releaseList({ ...of, generation: source.generation }));
  const adopted = await readJson(
    paths.adoptedList({ ...of, generation: source.provenBy }),
    adoptedListSchema,
  );
  return { files: adopted?.files ?? [], clean: false };
}
