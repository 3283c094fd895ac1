import { compareNames, keyOf } from '../fleet/session-names.ts';
import type { SessionName } from '../fleet/sessions-on-storage.ts';
import type { BackedUpSession, MissedSession } from '../manifest/manifest.ts';

/** Reasons are cut to what a manifest takes, characters. */
const LONGEST_REASON = 1000;

/** What became of a session in a run. */
export type SessionOutcome =
  | { name: SessionName; copied: BackedUpSession }
  /** Why it could not be copied. */
  | { name: SessionName; reason: string };

/** What a run puts into its manifest. */
export interface Contents {
  sessions: BackedUpSession[];
  missed: MissedSession[];
  /** Sessions that stand as an earlier backup has them, or are missing, in words. */
  findings: string[];
  copied: number;
  carried: number;
}

/**
 * What a manifest holds after a run: copied sessions; those that could not be copied as the manifest before has them (*carried*); and those that it lacks too
 * as *missed*. Sorted by workspace and session.
 *
 * @param before the sessions of the manifest before, by {@link keyOf}
 */
export function contentsOf(
  outcomes: readonly SessionOutcome[],
  before: ReadonlyMap<string, BackedUpSession>,
): Contents {
  const contents: Contents = { sessions: [], missed: [], findings: [], copied: 0, carried: 0 };
  for (const outcome of [...outcomes].sort((a, b) => compareNames(a.name, b.name))) {
    if ('copied' in outcome) {
      contents.sessions.push(outcome.copied);
      contents.copied += 1;
      continue;
    }
    const { workspace, session } = outcome.name;
    const reason = outcome.reason.slice(0, LONGEST_REASON);
    const known = before.get(keyOf(outcome.name));
    if (known) {
      contents.sessions.push({ ...known, carried: reason });
      contents.carried += 1;
      contents.findings.push(
        `Session ${session} of workspace ${workspace} stands as it was at ${known.taken_at}: ${reason}`,
      );
    } else {
      contents.missed.push({ workspace_id: workspace, session_id: session, reason });
      contents.findings.push(`Session ${session} of workspace ${workspace} is not in this backup: ${reason}`);
    }
  }
  return contents;
}
