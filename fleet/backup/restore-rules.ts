import type { SessionRecord, SessionStatus } from '../records.ts';
import type { RestoreRefusal } from './api.ts';

/** What is known of a session that is to be restored. */
export interface PresentSession {
  /** Its record now; null: there is none. */
  record: SessionRecord | null;
  /** Whether there is proof that somebody deleted it after the copy was taken. */
  deletedSince: boolean;
  /** Its status, where that is known. */
  status?: SessionStatus | null;
}

/**
 * Why a session is not restored unless it is forced; null where nothing speaks against it. Pure.
 *
 * - `deleted`: somebody deleted it since, also where one of the same id was made anew.
 * - `relinked`: it was linked anew since, so that the device in the copy is gone at WhatsApp; or is being linked: its QR was scanned, and chats are synchronised.
 * - `logged_out`: its link ended since, on the phone or by a logout. One whose profile was only lost may come back.
 *
 * A session that is not there, without a proof that it was deleted, was lost: it is restored.
 *
 * @param backup its record as it was backed up
 */
export function refusalOf(backup: SessionRecord, present: PresentSession): RestoreRefusal | null {
  const { record, deletedSince, status } = present;
  if (record === null) return deletedSince ? 'deleted' : null;
  if (record.created_at !== backup.created_at) return 'deleted';
  if (record.linked) return isSameLink(backup, record) ? null : 'relinked';
  if (status === 'authenticated') return 'relinked';
  // A copy without a link asks for a new one in any case.
  if (!backup.linked) return null;
  return record.link_ended === 'logged_out' || record.link_ended === 'removed' ? 'logged_out' : null;
}

/** Links of before there were ids got one when they were ready next: of such a copy the account alone can be compared. */
function isSameLink(backup: SessionRecord, record: SessionRecord): boolean {
  if (!backup.linked) return false;
  return backup.link_id ? record.link_id === backup.link_id : record.phone_number === backup.phone_number;
}

/** What a refusal means, and what to do about it, for people. */
export function describeRefusal(refusal: RestoreRefusal): string {
  const why = {
    deleted: 'it was deleted after the backup was made',
    relinked: 'it was linked anew since, so that the device in the backup is no longer known to WhatsApp',
    logged_out: 'it was logged out since, so that the device in the backup is no longer known to WhatsApp',
  }[refusal];
  return `${why}; force the restore to do it all the same`;
}
