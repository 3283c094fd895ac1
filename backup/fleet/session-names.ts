import type { SessionRecord } from '../../fleet/records.ts';
import type { SessionName } from './sessions-on-storage.ts';

/** One text for a session. */
export function keyOf({ workspace, session }: SessionName): string {
  return `${workspace}/${session}`;
}

/** The name of a session that was backed up. */
export function nameOf({ record }: { record: SessionRecord }): SessionName {
  return { workspace: record.workspace_id, session: record.session_id };
}

const collator = new Intl.Collator('en', { numeric: true });

/** Orders sessions by workspace, numbers by their size, then by session. */
export function compareNames(a: SessionName, b: SessionName): number {
  return (
    collator.compare(a.workspace, b.workspace) || (a.session < b.session ? -1 : Number(a.session > b.session))
  );
}
