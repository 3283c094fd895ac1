import { join, resolve, sep } from 'node:path';
import { WharfError } from '../common/errors.ts';
import { restoreIdSchema } from './backup/restore-ids.ts';
import { isSessionId, isWorkspaceId, type SessionId, type WorkspaceId } from './ids.ts';
import { fineStampOf, timeOfFineStamp } from './stamps.ts';

/** How the name of a whole session in the trash ends that nobody deleted. */
const REPLACED = 'replaced';

/** A generation of a session: which directory its profile is in. */
export interface GenerationName {
  workspace: WorkspaceId;
  session: SessionId;
  /** The epoch that made it, at least 1. */
  generation: number;
}

/** An entry of a workspace's trash. */
export interface TrashEntry {
  /** When it was put there, milliseconds since 1970. */
  time: number;
  session: SessionId;
  /** The one generation it holds, or null for a whole session. */
  generation: number | null;
  /** Of a whole session: a restore, or the undoing of one, took it away; nobody deleted it. */
  replaced?: true;
}

/**
 * Where things lie under the session path. Pure: nothing is looked at or made.
 *
 * Every method throws {@link WharfError} `invalid_request` for an id that is not in its one form, so that no path made here
 * leaves the session path, whoever forgot to check.
 *
 *     fleet/                                    what belongs to no workspace
 *     fleet/beacons/{instance}.{n}.{beacon}     what an instance's supervisor wrote at its start: who shares the path sees it
 *     workspace_{id}/owners/{epoch}             claims
 *     workspace_{id}/trash/{time}.session_{sid}[.gen-{n}|.replaced]
 *     workspace_{id}/media/{media_id}.json, {media_id}.{random}   files of messages: see fleet/media
 *     workspace_{id}/restores/{restore}.session_{sid}/             a session from a backup, until its owner puts it in place
 *     workspace_{id}/session_{sid}/session.json                    the session's record, for people and tools
 *     workspace_{id}/session_{sid}/session-{epoch}.json            the same as its owner at that epoch wrote it: the highest counts
 *     workspace_{id}/session_{sid}/gen-{n}/wharf-profile.json
 *     workspace_{id}/session_{sid}/gen-{n}/session-{sid}/          the browser's profile (LocalAuth adds the last part)
 *     workspace_{id}/session_{sid}/gen-{n}/torn-tails/             what a repair cut off
 *     workspace_{id}/session_{sid}/gen-{n}/wharf-release.json      what its owner left when it handed the session over
 *     workspace_{id}/session_{sid}/gen-{n}/wharf-adopted.json      the files it was copied from the generation before
 *     workspace_{id}/session_{sid}/gen-{n}/good-copies/{time}/     the profile after a clean stop, while it was linked
 *     workspace_{id}/session_{sid}/gen-{n}/restored-profile/       a good copy on its way to be the profile
 *     workspace_{id}/session_{sid}/gen-{n}/lost-profile/           the profile it replaced
 *     workspace_{id}/session_{sid}/gen-{n}.making/                 a generation that is not complete
 */
export class SessionPaths {
  /** The session path, absolute. */
  readonly root: string;

  /** @param root the session path (`WHATSAPP_SESSION_PATH`) */
  constructor(root: string) {
    if (root === '' || root.includes('\0')) {
      throw new WharfError('config_invalid', 'The session path is empty or holds a NUL character.');
    }
    this.root = resolve(root);
  }

  fleet(): string {
    return this.#inside('fleet');
  }

  beacons(): string {
    return join(this.fleet(), 'beacons');
  }

  /** What operators, and the leader of the routers, set for the whole fleet: a file each. */
  settings(): string {
    return join(this.fleet(), 'settings');
  }

  /** There for as long as a workspace is in quarantine: it is not started. */
  quarantined(workspace: WorkspaceId): string {
    checkWorkspace(workspace);
    return join(this.settings(), 'quarantined', workspace);
  }

  workspace(workspace: WorkspaceId): string {
    checkWorkspace(workspace);
    return this.#inside(`workspace_${workspace}`);
  }

  owners(workspace: WorkspaceId): string {
    return join(this.workspace(workspace), 'owners');
  }

  /** The file whose creation makes an owner, at that epoch. */
  claim(workspace: WorkspaceId, epoch: number): string {
    return join(this.owners(workspace), String(checkNumber('epoch', epoch)));
  }

  session(workspace: WorkspaceId, session: SessionId): string {
    checkSession(session);
    return join(this.workspace(workspace), `session_${session}`);
  }

  /** `session.json`: that the session exists, and whether it should run. */
  sessionRecord(workspace: WorkspaceId, session: SessionId): string {
    return join(this.session(workspace, session), 'session.json');
  }

  /** The session's record as its owner at an epoch wrote it. */
  ownersRecord(workspace: WorkspaceId, session: SessionId, epoch: number): string {
    return join(this.session(workspace, session), `session-${checkNumber('epoch', epoch)}.json`);
  }

  /** A generation's directory: LocalAuth's `dataPath`. */
  generation(name: GenerationName): string {
    const number = checkNumber('generation', name.generation);
    return join(this.session(name.workspace, name.session), `gen-${number}`);
  }

  /** The browser's user data directory: what LocalAuth makes of the generation's directory with the session id as `clientId`. */
  userData(name: GenerationName): string {
    return join(this.generation(name), `session-${name.session}`);
  }

  /** Which Chromium wrote the generation, and whether it was stopped cleanly. */
  profileRecord(name: GenerationName): string {
    return join(this.generation(name), 'wharf-profile.json');
  }

  /** What repairs cut off: outside the user data directory, where Chromium never looks. */
  tornTails(name: GenerationName): string {
    return join(this.generation(name), 'torn-tails');
  }

  /** The files a clean hand-over left, with their hashes. */
  releaseList(name: GenerationName): string {
    return join(this.generation(name), 'wharf-release.json');
  }

  /** The files it was copied from another generation with, and their hashes. */
  adoptedList(name: GenerationName): string {
    return join(this.generation(name), 'wharf-adopted.json');
  }

  /** Copies of the profile that are known to be good, one directory each. */
  goodCopies(name: GenerationName): string {
    return join(this.generation(name), 'good-copies');
  }

  /** @param time milliseconds since 1970 */
  goodCopy(name: GenerationName, time: number): string {
    return join(this.goodCopies(name), fineStampOf(time));
  }

  /** A copy that is to be the profile at the next start; complete once it has this name. */
  restoredProfile(name: GenerationName): string {
    return join(this.generation(name), 'restored-profile');
  }

  /** The profile that a restored one replaced. */
  lostProfile(name: GenerationName): string {
    return join(this.generation(name), 'lost-profile');
  }

  /** Where a generation is made, until it is complete and gets its name. */
  generationInMaking(name: GenerationName): string {
    return `${this.generation(name)}.making`;
  }

  /** Files of messages, sent or received. */
  media(workspace: WorkspaceId): string {
    return join(this.workspace(workspace), 'media');
  }

  /** Sessions assembled from backups, on their way to be put in place. */
  restores(workspace: WorkspaceId): string {
    return join(this.workspace(workspace), 'restores');
  }

  /** `prepared.json` and `profile/` of one; see fleet/backup/prepared-restore.ts. Throws `invalid_request` also for an id that is none of a restore. */
  preparedRestore(workspace: WorkspaceId, session: SessionId, restore: string): string {
    checkSession(session);
    if (!restoreIdSchema.safeParse(restore).success)
      throw new WharfError('invalid_request', `${quote(restore)} is no id of a restore.`);
    return join(this.restores(workspace), `${restore}.session_${session}`);
  }

  trash(workspace: WorkspaceId): string {
    return join(this.workspace(workspace), 'trash');
  }

  trashEntry(workspace: WorkspaceId, entry: TrashEntry): string {
    return join(this.trash(workspace), trashEntryName(entry));
  }

  #inside(name: string): string {
    const path = join(this.root, name);
    const parent = this.root.endsWith(sep) ? this.root : this.root + sep;
    if (!path.startsWith(parent) || path.length === parent.length) {
      throw new WharfError('invalid_request', 'A path was asked for that lies outside the session path.');
    }
    return path;
  }
}

/** The workspace whose directory has this name, or null. */
export function parseWorkspaceDirectory(name: string): WorkspaceId | null {
  const id = name.startsWith('workspace_') ? name.slice('workspace_'.length) : null;
  return isWorkspaceId(id) ? id : null;
}

/** The session whose directory has this name, or null. */
export function parseSessionDirectory(name: string): SessionId | null {
  const id = name.startsWith('session_') ? name.slice('session_'.length) : null;
  return isSessionId(id) ? id : null;
}

/** The epoch whose owner's record of a session has this name, or null. */
export function parseOwnersRecord(name: string): number | null {
  const digits = /^session-([1-9][0-9]{0,15})\.json$/.exec(name)?.[1];
  const number = Number(digits);
  return digits !== undefined && Number.isSafeInteger(number) ? number : null;
}

/** The generation whose directory has this name, or null. */
export function parseGenerationDirectory(name: string): number | null {
  const digits = /^gen-([1-9][0-9]{0,15})$/.exec(name)?.[1];
  const number = Number(digits);
  return digits !== undefined && Number.isSafeInteger(number) ? number : null;
}

/** The generation that is being made, or was, in the directory of this name, or null. */
export function parseGenerationInMaking(name: string): number | null {
  return name.endsWith('.making') ? parseGenerationDirectory(name.slice(0, -'.making'.length)) : null;
}

/** When the good copy in the directory of this name was made, milliseconds since 1970, or null. */
export function parseGoodCopy(name: string): number | null {
  return timeOfFineStamp(name);
}

/** `20261122T000307123Z.session_main.gen-3`: sorts by time, and a dot stands in no id. */
export function trashEntryName({ time, session, generation, replaced }: TrashEntry): string {
  checkSession(session);
  const whole = replaced ? `.${REPLACED}` : '';
  const part = generation === null ? whole : `.gen-${checkNumber('generation', generation)}`;
  return `${fineStampOf(time)}.session_${session}${part}`;
}

/** What an entry of the trash is, or null if Wharf did not name it. */
export function parseTrashEntryName(name: string): TrashEntry | null {
  const [stamp, directory, part, ...rest] = name.split('.');
  const time = timeOfFineStamp(stamp ?? '');
  const session = parseSessionDirectory(directory ?? '');
  if (time === null || rest.length > 0 || session === null) return null;
  if (part === undefined) return { time, session, generation: null };
  if (part === REPLACED) return { time, session, generation: null, replaced: true };
  const generation = parseGenerationDirectory(part);
  return generation === null ? null : { time, session, generation };
}

function checkWorkspace(workspace: WorkspaceId): void {
  if (!isWorkspaceId(workspace)) {
    throw new WharfError('invalid_request', `${quote(workspace)} is not a workspace id in its string form.`);
  }
}

function checkSession(session: SessionId): void {
  if (!isSessionId(session))
    throw new WharfError('invalid_request', `${quote(session)} is not a session id.`);
}

function checkNumber(word: 'epoch' | 'generation', value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new WharfError(
      'invalid_request',
      `${quote(value)} does not do as ${word}: a whole number from 1 on does.`,
    );
  }
  return value;
}

/** An id may come from anywhere, be of any type and any length: an error shows its beginning, safely. */
function quote(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? JSON.stringify(value) : `A value of type ${typeof value}`;
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
