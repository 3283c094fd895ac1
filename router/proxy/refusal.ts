import { messageOf, WharfError } from '../../common/errors.ts';
import { fromProblem, problemSchema } from '../../common/problem.ts';
import type { Answer, Outgoing } from './outgoing.ts';

/**
 * Why nothing was done with a request, and so for how long it is worth to try again.
 *
 * - `away`: the instance can't be reached, is stopping, or does not own the workspace: a few seconds whatever is known, as it may be restarting
 * - `starting`: the session is not ready yet: only where its workspace came to the instance a moment ago
 * - `at_rest`: the session is stopped: only while its workspace is being handed over, since that stops it too
 */
export interface Refusal {
  kind: 'away' | 'starting' | 'at_rest';
  /** The instance says that it is not the owner. */
  disowned: boolean;
  /** What the caller is told when the request is held no longer. */
  error: WharfError;
}

/** The codes of a 503 with which an instance says that it did nothing and will answer no more, or not yet. */
const AWAY: ReadonlySet<string> = new Set([
  'shutting_down',
  'instance_unavailable',
  'ownership_unproved',
  'not_owner',
]);

/** States that a session leaves only when somebody does something. */
const WAITS_FOR_PEOPLE: ReadonlySet<unknown> = new Set(['qr', 'pairing', 'logged_out', 'failed']);

const AT_REST: ReadonlySet<unknown> = new Set(['stopped', 'parked']);

/**
 * Looks whether an answer is one that may be better in a moment, and takes its body then; undefined leaves the answer as it came.
 *
 * @throws WharfError what the instance said, where its body was read and says that waiting does not help
 */
export async function refusalOf(answer: Answer, outgoing: Outgoing): Promise<Refusal | undefined> {
  const { statusCode } = answer;
  if (statusCode === 421) {
    await answer.body.dump();
    return { kind: 'away', disowned: true, error: betweenOwners(outgoing) };
  }
  const ready = outgoing.needsReady === true;
  // A browser that was closed under a read: it is asked again where the session is now.
  const isRead = ready && outgoing.repeatable;
  if (statusCode !== 503 && !(ready && statusCode === 409) && !(isRead && statusCode === 502))
    return undefined;
  const error = await errorOf(answer);
  if (statusCode === 503) {
    if (!AWAY.has(error.code) || outgoing.adoptBy !== undefined) throw error;
    return { kind: 'away', disowned: error.code === 'not_owner', error };
  }
  if (error.code === 'browser_failed') return { kind: 'starting', disowned: false, error };
  const status = error.extra['session_status'];
  if (error.code !== 'session_not_ready' || WAITS_FOR_PEOPLE.has(status)) throw error;
  return { kind: AT_REST.has(status) ? 'at_rest' : 'starting', disowned: false, error };
}

/** For a request that no instance saw. */
export function unreachable(outgoing: Outgoing, instance: string | undefined, cause: unknown): Refusal {
  const why = messageOf(cause).slice(0, 200);
  const error = new WharfError(
    'instance_unavailable',
    `${instance ?? 'The instance'} of workspace ${outgoing.workspace} cannot be reached (${why}). Nothing was done; try again.`,
    { cause },
  );
  return { kind: 'away', disowned: false, error };
}

function betweenOwners(outgoing: Outgoing): WharfError {
  return new WharfError(
    'instance_unavailable',
    `Workspace ${outgoing.workspace} is between two instances. Nothing was done; try again.`,
  );
}

async function errorOf(answer: Answer): Promise<WharfError> {
  const value = await answer.body.json().catch(() => undefined);
  const problem = problemSchema.safeParse(value);
  if (problem.success) return fromProblem(problem.data);
  return new WharfError(
    'instance_unavailable',
    `The instance answered ${answer.statusCode} with something this router does not understand. Do both run one version of Wharf?`,
    { cause: problem.error },
  );
}
