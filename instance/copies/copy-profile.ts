import type { Clock } from '../../common/clock.ts';
import { isWharfError, WharfError } from '../../common/errors.ts';
import { exists } from '../../common/files.ts';
import { endangersProfile, inspectProfile } from '../../fleet/profile/repair.ts';
import type { SessionRecord, SessionStatus } from '../../fleet/records.ts';
import type { GenerationName, SessionPaths } from '../../fleet/session-paths.ts';
import type { ClientAuthority } from '../whatsapp/client.ts';
import { isLittle, wayToCopy } from './copy-way.ts';
import { FREEZE_LIMIT, whileFrozen } from './freeze.ts';
import { browserGroup } from './process-group.ts';
import { NotSettled, type ProfileReading } from './profile-reading.ts';

/** How long a session that starts, closes or does not hold still is waited for, milliseconds, and between two looks at it. */
const PATIENCE = 20_000;
const LOOK_INTERVAL = 200;
/** Rounds while the browser runs before it is frozen: after so many its page writes more than can be followed. */
const MOST_ROUNDS = 8;
/** Freezes of which no copy comes, after which it is given up: each time, the page stands still for up to the limit of a freeze. */
const MOST_FREEZES = 4;
/** What must be left of the authority beyond a freeze, milliseconds: its page must hear of the next proof in time. */
const AUTHORITY_RESERVE = 1000;

/** A session, as a copy of it sees it. */
export interface CopySubject {
  readonly record: Readonly<SessionRecord>;
  readonly status: SessionStatus;
  readonly epoch: number;
  readonly browserPid: number | undefined;
  readonly lives: number;
  readonly isAtRest: boolean;
  readonly authority: ClientAuthority;
}

/** What a copy was made of. */
export interface Taken {
  /** Milliseconds since 1970. */
  at: number;
  /** The session's record as the copy was begun. */
  record: Readonly<SessionRecord>;
  /** False: there is no link, and so nothing to copy but the record. */
  hasProfile: boolean;
  /** Whether a browser ran on it. */
  live: boolean;
}

/** The freezes of one copy, those of which nothing came too. */
export interface Freezes {
  count: number;
  /** For how long they held its browser still, all together. */
  milliseconds: number;
}

/** What a copy is made with. */
export interface CopyParts {
  paths: SessionPaths;
  clock: Clock;
  /** Counted on as it goes. */
  freezes: Freezes;
  /**
   * Begins to read a user data directory, or goes on with it where it is the same in the same life: between two lives a repair may have cut logs short that have
   * grown again since. What was read before of another counts no more.
   */
  read: (profile: string, life: number) => Promise<ProfileReading>;
}

/** The session has gone another way than the one that was begun: look at it again. */
class OtherWay extends Error {
  override name = 'OtherWay';
}

/**
 * Copies a session's profile as it is at one moment. Holds nothing up: whoever starts, stops or moves the session meanwhile wins, and the copy is begun anew or fails.
 *
 * @throws WharfError `invalid_state` where it does not hold still within 20 s, or within a few freezes, or its owner cannot prove that it is; `not_owner`,
 *   `ownership_unproved`; `storage_unavailable`; `profile_damaged` where there is no profile, or one that Chromium would throw away; the signal's reason
 */
export async function copyProfile(
  subject: CopySubject,
  parts: CopyParts,
  signal: AbortSignal,
): Promise<Taken> {
  const { clock, freezes } = parts;
  // From when it was first met as it could not be copied: to read all of a large profile may take longer.
  let end: number | undefined;
  for (let why = `it is ${subject.status}`; ; ) {
    signal.throwIfAborted();
    const { record, status, isAtRest, browserPid } = subject;
    const way = wayToCopy({ linked: record.linked, status, isAtRest, hasBrowser: browserPid !== undefined });
    try {
      subject.authority.require();
      if (way === 'record') return { at: clock.now(), record, hasProfile: false, live: false };
      if (way === 'rest') return await copyAtRest(subject, parts);
      if (way === 'live') return await copyLive(subject, parts, signal);
      why = `it is ${status}`;
    } catch (error) {
      if (!mayPass(error)) throw error;
      why = error.message;
    }
    if (freezes.count >= MOST_FREEZES)
      throw notStill(record, `its browser was frozen ${freezes.count} times in vain: ${why}`);
    end ??= clock.monotonic() + PATIENCE;
    if (clock.monotonic() >= end) throw notStill(record, why);
    await clock.sleep(LOOK_INTERVAL, signal);
  }
}

async function copyAtRest(subject: CopySubject, parts: CopyParts): Promise<Taken> {
  const { lives, record } = subject;
  const profile = await profileOf(subject, parts.paths);
  if (subject.status === 'failed') await requireUndamaged(subject.record, profile);
  const reading = await parts.read(profile, lives);
  await reading.round('open');
  const at = parts.clock.now();
  // Twice: another host that lost the session may not have heard of it yet.
  const { changed } = await reading.round('open');
  if (changed > 0) throw new OtherWay(`${changed} of its files changed while they were read`);
  if (!subject.isAtRest || subject.lives !== lives || (await profileOf(subject, parts.paths)) !== profile)
    throw new OtherWay('it was started meanwhile');
  return { at, record, hasProfile: true, live: false };
}

async function copyLive(subject: CopySubject, parts: CopyParts, signal: AbortSignal): Promise<Taken> {
  const { clock, paths, read, freezes } = parts;
  const { browserPid, lives, record } = subject;
  const profile = paths.userData(nameOf(record));
  const leader = browserPid === undefined ? undefined : await browserGroup(browserPid, profile);
  if (!leader) throw new OtherWay('its browser starts or ends');
  const reading = await read(profile, lives);
  for (let count = 1; !isLittle(await reading.round('look')); count += 1)
    if (count >= MOST_ROUNDS) throw new OtherWay('its page writes too much');
  if (subject.authority.left() < FREEZE_LIMIT + AUTHORITY_RESERVE)
    throw new OtherWay('its owner must first prove again that it owns it');
  // A browser of another life would have another profile open by now, or this one anew.
  if (subject.browserPid !== browserPid || subject.lives !== lives)
    throw new OtherWay('its browser was started anew');
  signal.throwIfAborted();
  freezes.count += 1;
  const { value } = await whileFrozen(
    leader,
    clock,
    async (over) => ({ at: clock.now(), capture: await reading.capture(over) }),
    (milliseconds) => {
      freezes.milliseconds += milliseconds;
    },
  );
  await reading.absorb(value.capture);
  return { at: value.at, record, hasProfile: true, live: true };
}

/** The profile of a session at rest: where one was restored and not started since, that one. */
async function profileOf({ record }: CopySubject, paths: SessionPaths): Promise<string> {
  const name = nameOf(record);
  const restored = paths.restoredProfile(name);
  return (await exists(restored)) ? restored : paths.userData(name);
}

/** A session may have failed since its profile is damaged: a backup stands as the last good one has it then. */
async function requireUndamaged(record: Readonly<SessionRecord>, profile: string): Promise<void> {
  const report = await inspectProfile(profile);
  if (!endangersProfile(report)) return;
  const fatal = report.faults.filter(({ severity }) => severity === 'fatal');
  const list = fatal.map(({ file, detail }) => `${file}: ${detail}`).join('; ');
  throw new WharfError(
    'profile_damaged',
    `Session ${record.session_id} of workspace ${record.workspace_id} has failed, and its profile is damaged, so that a copy of it is worth nothing: ${list.slice(0, 400)}. Restore it from a backup.`,
  );
}

function nameOf({ workspace_id, session_id, generation }: Readonly<SessionRecord>): GenerationName {
  return { workspace: workspace_id, session: session_id, generation };
}

function mayPass(error: unknown): error is Error {
  if (error instanceof OtherWay || error instanceof NotSettled) return true;
  return isWharfError(error, 'invalid_state') || isWharfError(error, 'ownership_unproved');
}

function notStill({ workspace_id, session_id }: Readonly<SessionRecord>, why: string): WharfError {
  return new WharfError(
    'invalid_state',
    `Session ${session_id} of workspace ${workspace_id} could not be copied within ${PATIENCE / 1000} s: ${why}. Try again later.`,
    { retryAfter: 60 },
  );
}
