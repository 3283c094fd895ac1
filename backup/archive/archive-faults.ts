import { WharfError } from '../../common/errors.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';

/** How a session of a backup is called in errors and findings: `session main of workspace 7`. */
export function sessionNamed({ record }: Pick<BackedUpSession, 'record'>): string {
  return `session ${record.session_id} of workspace ${record.workspace_id}`;
}

/** What is wrong with an archive, as an error for people: `backup_damaged`, naming the archive and the session it is of. */
export function damagedArchive(session: BackedUpSession, what: string, cause?: unknown): WharfError {
  const archive = session.archive?.sha256 ?? 'none';
  return new WharfError(
    'backup_damaged',
    `The archive ${archive} of ${sessionNamed(session)} is damaged: ${what}. Take another backup of this session: wharf backup list; the other sessions do not need it.`,
    { cause, extra: { archive } },
  );
}
