import { isSessionId } from '../../fleet/ids.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import type { Use } from './in-use.ts';
import type { Mapped } from './mapping.ts';
import type { FoundProfile } from './profiles.ts';

/** Which session a profile is to become. */
export interface Target {
  workspace: string;
  session: string;
  account: string | null;
  proxy: string | null;
}

/** What the plan is made from. */
export interface PlanFacts {
  profiles: readonly FoundProfile[];
  /** A list, or one workspace for all of them. */
  mapping: readonly Mapped[] | { workspace: string };
  /** What says that a profile is in use, by its directory. */
  uses: ReadonlyMap<string, Use>;
  /** Whether somebody has said that a lock of another machine means nothing. */
  stopped: boolean;
  /** What was imported before, by {@link itemKey}. */
  imported: ReadonlySet<string>;
  /** What an earlier run had asked for, without an answer: the session that is there may be it. */
  ordered: ReadonlySet<string>;
  /** The status of sessions of those names in the fleet, by `workspace/session`. */
  present: ReadonlyMap<string, string>;
  replace: boolean;
  /** Chromium versions of the instances. */
  chromium: readonly string[];
}

/** What becomes of one profile. */
export interface PlanItem {
  profile: FoundProfile;
  /** Null: nobody said. */
  target: Target | null;
  action: /** It is made a session. */
    | 'import'
    /** The same, in the place of one that is there. */
    | 'replace'
    /** An earlier run did it. */
    | 'done'
    /** The mapping does not name it. */
    | 'unmapped'
    | 'refused';
  /** Why it is refused, and what to do. */
  refusal: string | null;
}

/** What tells a profile's way into a session from another. */
export function itemKey(directory: string, { workspace, session }: Pick<Target, 'workspace' | 'session'>) {
  return `${workspace}/${session} ${directory}`;
}

/**
 * Decides what becomes of each profile. Pure.
 *
 * @throws CommandFailure `invalid_mapping` where the mapping names what is not there
 */
export function planImport(facts: PlanFacts): PlanItem[] {
  const targets = targetsOf(facts);
  const sharing = sharingOf(facts.profiles, targets);
  return facts.profiles.map((profile) => {
    const target = targets.get(profile.clientId) ?? null;
    if (target === null) return { profile, target, action: 'unmapped', refusal: null };
    if (facts.imported.has(itemKey(profile.directory, target)))
      return { profile, target, action: 'done', refusal: null };
    const others = (sharing.get(sessionKey(target)) ?? []).filter(
      (directory) => directory !== profile.directory,
    );
    const refusal = others.length > 0 ? doubleRefusal(target, others) : refusalOf(profile, target, facts);
    if (refusal !== null) return { profile, target, action: 'refused', refusal };
    const isThere = facts.present.has(sessionKey(target));
    return { profile, target, action: isThere ? 'replace' : 'import', refusal: null };
  });
}

/** The sessions that the profiles are to become, by client id. Throws as {@link planImport}. */
export function targetsOf({
  profiles,
  mapping,
}: Pick<PlanFacts, 'profiles' | 'mapping'>): Map<string, Target> {
  if ('workspace' in mapping) {
    const { workspace } = mapping;
    return new Map(
      profiles.map(({ clientId }) => [
        clientId,
        { workspace, session: clientId, account: null, proxy: null },
      ]),
    );
  }
  const known = new Set(profiles.map(({ clientId }) => clientId));
  const missing = mapping.map(({ client_id }) => client_id).filter((id) => !known.has(id));
  if (missing.length > 0)
    throw new CommandFailure(
      `The mapping names ${missing.slice(0, 10).join(', ')}${missing.length > 10 ? ` and ${missing.length - 10} more` : ''}, of which there is no profile. Take them out, or name the directory they are in.`,
      { code: 'invalid_mapping', exitCode: EXIT_WRONG_USE },
    );
  return new Map(
    mapping.map(({ client_id, workspace_id, session_id, account_id, proxy }) => [
      client_id,
      {
        workspace: workspace_id,
        session: session_id ?? client_id,
        account: account_id ?? null,
        proxy: proxy ?? null,
      },
    ]),
  );
}

function sessionKey({ workspace, session }: Target): string {
  return `${workspace}/${session}`;
}

/** The profiles' directories, by the session they are to become: `session-a` and `RemoteAuth-a` have one client id. */
function sharingOf(
  profiles: readonly FoundProfile[],
  targets: ReadonlyMap<string, Target>,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { clientId, directory } of profiles) {
    const target = targets.get(clientId);
    if (target) found.set(sessionKey(target), [...(found.get(sessionKey(target)) ?? []), directory]);
  }
  return found;
}

/** Which of them is the account's newer one cannot be told, and the later would replace the earlier. */
function doubleRefusal({ session, workspace }: Target, others: readonly string[]): string {
  return `${others.join(', ')} would become the same session ${session} of workspace ${workspace}: move away what is not used, or name another session in a mapping`;
}

function refusalOf(profile: FoundProfile, target: Target, facts: PlanFacts): string | null {
  if (!isSessionId(target.session))
    return `${target.session} is no id of a session (1 to 64 of the characters A-Z a-z 0-9 _ -); name another in a mapping`;
  if (!profile.wasUsed) return 'WhatsApp Web never stored anything in it: there is nothing to import';
  const use = facts.uses.get(profile.directory);
  if (use?.kind === 'in_use')
    return `process ${use.pid} has it open: stop the program that uses it, or two would be connected as one device`;
  if (use?.kind === 'locked_elsewhere' && !facts.stopped)
    return `a browser on ${use.host} locked it, which cannot be seen from here: see that it has ended, then say so with --stopped`;
  if (profile.chromium !== null && facts.chromium.length > 0) {
    const opened = profile.chromium;
    if (facts.chromium.every((version) => isOlder(version, opened)))
      return `Chromium ${opened} opened it last, and the instances have ${[...new Set(facts.chromium)].join(', ')}: an older one would destroy it; upgrade the instances first`;
  }
  if (facts.ordered.has(itemKey(profile.directory, target))) return null;
  const status = facts.present.get(sessionKey(target));
  if (status !== undefined && !facts.replace)
    return `the session is there already (${status}): name another in a mapping, or put this one in its place with --replace`;
  return null;
}

function isOlder(left: string, right: string): boolean {
  return left.localeCompare(right, 'en', { numeric: true }) < 0;
}
