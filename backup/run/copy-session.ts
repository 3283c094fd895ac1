import pMap from 'p-map';
import { WharfError } from '../../common/errors.ts';
import { within } from '../../common/within.ts';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';
import type { Instances, OpenCopy } from '../fleet/instances.ts';
import type { SessionName } from '../fleet/sessions-on-storage.ts';
import type { BackedUpSession, StoredRef } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';
import type { Distrusted } from './distrusted.ts';

/** Pieces of one session that are fetched at one time. */
const PIECES_AT_ONCE = 3;

/** What copying a session needs. */
export interface CopyParts {
  instances: Pick<Instances, 'copy'>;
  objects: Pick<Objects, 'keep'>;
  /** What the manifest that the run builds on names: it stays at least until the run's own is there. */
  known: ReadonlyMap<string, StoredRef>;
  distrusted: Distrusted;
  /** Called for each object that was sent. */
  onSent: (stored: number) => void;
}

/**
 * Has a session copied by its owner, and keeps what the store lacks.
 *
 * @param before the session in the manifest that the run builds on
 * @throws WharfError what the owner says; `backup_store_failed`, `backup_damaged`
 */
export async function copySession(
  name: SessionName,
  before: BackedUpSession | undefined,
  { instances, objects, known, distrusted, onSent }: CopyParts,
  until: AbortSignal,
): Promise<BackedUpSession> {
  const { signal, end } = within(until);
  const trusted = ({ sha256 }: ObjectRef) => (distrusted.has(sha256) ? undefined : known.get(sha256));
  const have = (before?.pieces ?? []).filter(trusted).map(({ sha256 }) => sha256);
  const open = await instances.copy(name, have, signal).catch((error) => {
    end(error);
    throw error;
  });
  const keep = async (ref: ObjectRef, content: OpenCopy['archive']): Promise<StoredRef> => {
    const stored = trusted(ref)?.stored ?? null;
    const kept = await objects.keep(ref, () => content(signal), { trusted: stored, signal });
    if (kept.sent) onSent(kept.stored);
    if (stored === null) distrusted.renewed(ref.sha256);
    return { sha256: ref.sha256, size: ref.size, stored: kept.stored };
  };
  try {
    const { copy: _, archive, pieces, ...copied } = requireOf(name, open.copy);
    return {
      ...copied,
      pieces: await pMap(pieces, (ref) => keep(ref, (ends) => open.piece(ref, ends)), {
        concurrency: PIECES_AT_ONCE,
      }),
      archive: archive && (await keep(archive, (ends) => open.archive(ends))),
      carried: null,
    };
  } finally {
    // Where one piece failed, others may be on their way.
    end(new Error('the copy has ended'));
    await open.close();
  }
}

/** A copy of another session, put in a backup under this one's name, would be one tenant's session in another's hands. */
function requireOf({ workspace, session }: SessionName, copy: OpenCopy['copy']): OpenCopy['copy'] {
  const { workspace_id, session_id } = copy.record;
  if (workspace_id === workspace && session_id === session) return copy;
  throw new WharfError(
    'internal',
    `${copy.instance} copied session ${session_id} of workspace ${workspace_id} where ${session} of ${workspace} was asked for.`,
  );
}
