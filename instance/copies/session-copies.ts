import { randomBytes } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { within } from '../../common/within.ts';
import { packArchive } from '../../fleet/backup/archive.ts';
import type { CopiedFile, ObjectRef, SessionCopy } from '../../fleet/backup/session-copy.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import { readRecordOrFault } from '../profile/profile-record.ts';
import { StartGate } from '../session/start-gate.ts';
import { type CopySubject, copyProfile, type Freezes, type Taken } from './copy-profile.ts';
import { FileMemory } from './file-memory.ts';
import { ProfileReading } from './profile-reading.ts';
import type { Scratch } from './scratch.ts';
import type { ScratchRoom } from './scratch-room.ts';

/** Copies that are made at one time: each reads the storage, and fills memory with the pieces it is at. */
const CONCURRENCY = 2;
/** How long a copy lies after it was last asked for, milliseconds. */
const LIFETIME = 10 * 60_000;
/** A browser that was frozen for longer than this is worth a word, milliseconds. */
const LONG = 250;

/** What copies are made with. */
export interface CopiesParts {
  instance: string;
  /** Throws WharfError `not_owner`, `session_not_found`, `storage_unavailable`. */
  find: (workspace: WorkspaceId, session: SessionId) => CopySubject;
  paths: SessionPaths;
  room: ScratchRoom;
  clock: Clock;
  log: Logger;
}

/** A copy that can be fetched. */
interface HeldCopy {
  scratch: Scratch;
  workspace: WorkspaceId;
  session: SessionId;
  /** On the monotonic clock. */
  usedAt: number;
  readers: number;
}

/** A copy that is being made. */
interface Making {
  profile: string;
  life: number;
  scratch: Scratch;
  reading: ProfileReading;
}

/** What is asked for of a copy. */
export interface CopyName {
  workspace: WorkspaceId;
  session: SessionId;
  copy: string;
}

/** Copies of sessions for backups, from their making until they were fetched. */
export class SessionCopies {
  readonly #parts: CopiesParts;
  readonly #gate = new StartGate(CONCURRENCY);
  readonly #memory = new FileMemory();
  readonly #held = new Map<string, HeldCopy>();
  /** The copies of a session are made one after the other, since each would let the browser go on under the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(parts: CopiesParts) {
    this.#parts = parts;
  }

  /**
   * Copies a session, as it is at one moment.
   *
   * @param have the objects that need not be kept for fetching
   * @throws WharfError as {@link copyProfile}, and as `CopiesParts.find`; `shutting_down`
   */
  make(
    workspace: WorkspaceId,
    session: SessionId,
    have: readonly string[],
    signal: AbortSignal,
  ): Promise<SessionCopy> {
    const { signal: either, end } = within(signal, this.#closing.signal);
    const key = `${workspace}/${session}`;
    const inTurn = async () => {
      const leave = await this.#gate.enter(either);
      try {
        return await this.#make(this.#parts.find(workspace, session), new Set(have), either);
      } finally {
        leave();
      }
    };
    const mine = (this.#turns.get(key) ?? Promise.resolve()).then(inTurn, inTurn);
    this.#turns.set(key, mine);
    const forget = () => {
      end(new Error('the copy has been made, or has failed'));
      if (this.#turns.get(key) === mine) this.#turns.delete(key);
    };
    mine.then(forget, forget);
    return mine;
  }

  /** Whether a copy of a session is being made, or is about to be. */
  isUnderWay(workspace: WorkspaceId, session: SessionId): boolean {
    return this.#turns.has(`${workspace}/${session}`);
  }

  /**
   * The file of a copy's archive, or of one of its pieces, which stays for as long as `work` is at it.
   *
   * @throws WharfError `not_found`
   */
  async read<T>(name: CopyName, piece: string | null, work: (path: string) => Promise<T>): Promise<T> {
    const held = this.#require(name);
    const path = piece === null ? held.scratch.archivePath : held.scratch.piece(piece);
    if (path === undefined)
      throw new WharfError(
        'not_found',
        `Copy ${name.copy} of session ${name.session} has no piece ${piece} to fetch: it is none of its, or was said to be there.`,
      );
    held.readers += 1;
    try {
      return await work(path);
    } finally {
      held.readers -= 1;
      held.usedAt = this.#parts.clock.monotonic();
    }
  }

  /** Ends a copy; one that is not there is no error. Throws WharfError `storage_unavailable`. */
  async end(name: CopyName): Promise<void> {
    if (this.#find(name)) await this.#remove(name.copy);
  }

  /** Ends the copies that nobody has asked for in a while. Throws WharfError `storage_unavailable`. */
  async expire(): Promise<void> {
    const now = this.#parts.clock.monotonic();
    const old = [...this.#held].filter(([, held]) => held.readers === 0 && now - held.usedAt >= LIFETIME);
    for (const [copy, { session, workspace }] of old) {
      this.#parts.log.warn({ workspace, session }, 'a copy for a backup was not fetched, and is removed');
      await this.#remove(copy);
    }
  }

  /** Gives up what is being made, and removes everything. Throws WharfError `storage_unavailable`. */
  async close(): Promise<void> {
    this.#closing.abort(new WharfError('shutting_down', 'This instance is stopping.'));
    this.#held.clear();
    await this.#parts.room.clear();
  }

  async #make(subject: CopySubject, have: ReadonlySet<string>, signal: AbortSignal): Promise<SessionCopy> {
    const { paths, clock, room, log } = this.#parts;
    const copy = randomBytes(12).toString('hex');
    const freezes: Freezes = { count: 0, milliseconds: 0 };
    let made: Making | undefined;
    const read = async (profile: string, life: number) => {
      if (made?.profile === profile && made.life === life) return made.reading;
      await room.remove(copy);
      const scratch = await room.make(copy, have);
      const reading = new ProfileReading(profile, scratch, this.#memory.recall(profile), signal);
      made = { profile, life, scratch, reading };
      return reading;
    };
    try {
      const { epoch } = subject;
      const taken = await copyProfile(subject, { paths, clock, freezes, read }, signal);
      if (!taken.hasProfile || !made) {
        // It may have been begun, and logged out then.
        await room.remove(copy);
        return this.#answer(taken, epoch, { frozen_ms: frozenFor(freezes) });
      }
      const answer = await this.#pack(subject, epoch, { ...taken, freezes }, copy, made);
      signal.throwIfAborted();
      const { workspace_id: workspace, session_id: session } = taken.record;
      const usedAt = clock.monotonic();
      this.#held.set(copy, { scratch: made.scratch, workspace, session, usedAt, readers: 0 });
      return answer;
    } catch (error) {
      await room
        .remove(copy)
        .catch((fault: unknown) =>
          log.warn(
            { reason: messageOf(fault) },
            'what a copy that failed left in the scratch directory stays there',
          ),
        );
      throw withFreezes(error, freezes);
    }
  }

  async #pack(
    subject: CopySubject,
    epoch: number,
    taken: Taken & { freezes: Freezes },
    copy: string,
    { profile, reading, scratch }: Making,
  ): Promise<SessionCopy> {
    const { record, live, freezes } = taken;
    const files = reading.files();
    if (!files.some(({ path }) => /^Default\/IndexedDB\/[^/]+\/CURRENT$/.test(path))) throw noProfile(record);
    const archive = await scratch.writeArchive(packArchive(files, (file) => reading.tail(file)));
    const name = {
      workspace: record.workspace_id,
      session: record.session_id,
      generation: record.generation,
    };
    const { record: written } = await readRecordOrFault(this.#parts.paths.profileRecord(name));
    this.#requireSame(subject, epoch, record);
    this.#memory.remember(profile, reading.memory());
    this.#tell(taken, frozenFor(freezes), files);
    return this.#answer({ ...taken, record: subject.record }, epoch, {
      copy,
      chromium: written?.chromium ?? null,
      live,
      frozen_ms: frozenFor(freezes),
      archive,
      pieces: piecesOf(files),
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      files: files.length,
    });
  }

  /** A takeover, a logout or a new generation meanwhile: what was read is not what the session is by now, nor may be another's. */
  #requireSame(subject: CopySubject, epoch: number, before: Readonly<SessionRecord>): void {
    subject.authority.require();
    const current = this.#parts.find(before.workspace_id, before.session_id);
    const { record } = subject;
    const same =
      current === subject &&
      current.epoch === epoch &&
      record.linked &&
      record.generation === before.generation &&
      (record.link_id ?? null) === (before.link_id ?? null);
    if (same) return;
    throw new WharfError(
      'invalid_state',
      `Session ${before.session_id} of workspace ${before.workspace_id} was logged out, moved or linked anew while it was copied; the copy is thrown away.`,
      { retryAfter: 5 },
    );
  }

  #answer({ at, record }: Taken, epoch: number, made: Partial<SessionCopy> = {}): SessionCopy {
    return {
      copy: null,
      taken_at: new Date(at).toISOString(),
      record,
      instance: this.#parts.instance,
      epoch,
      chromium: null,
      live: false,
      frozen_ms: null,
      archive: null,
      pieces: [],
      bytes: 0,
      files: 0,
      ...made,
    };
  }

  #tell({ record }: Taken, frozen: number | null, files: readonly CopiedFile[]): void {
    const { log } = this.#parts;
    const { workspace_id: workspace, session_id: session } = record;
    log.debug({ workspace, session, frozen_ms: frozen, files: files.length }, 'copied for a backup');
    if (frozen !== null && frozen > LONG)
      log.warn({ workspace, session, frozen_ms: Math.round(frozen) }, 'a browser was frozen for long');
  }

  async #remove(copy: string): Promise<void> {
    this.#held.delete(copy);
    await this.#parts.room.remove(copy);
  }

  #find({ workspace, session, copy }: CopyName): HeldCopy | undefined {
    const held = this.#held.get(copy);
    return held?.workspace === workspace && held.session === session ? held : undefined;
  }

  #require(name: CopyName): HeldCopy {
    const held = this.#find(name);
    if (held) return held;
    throw new WharfError(
      'not_found',
      `There is no copy ${name.copy} of session ${name.session} (any more): copies lie for ${LIFETIME / 60_000} minutes. Ask for another.`,
    );
  }
}

/** Every piece of some files, each once, by their order. */
function piecesOf(files: readonly CopiedFile[]): ObjectRef[] {
  return [...new Map(files.flatMap(({ pieces }) => pieces).map((ref) => [ref.sha256, ref])).values()];
}

function noProfile({ workspace_id, session_id }: Readonly<SessionRecord>): WharfError {
  return new WharfError(
    'profile_damaged',
    `Session ${session_id} of workspace ${workspace_id} is linked, and its profile has no IndexedDB: there is nothing to copy. Look at it before the next start.`,
  );
}

/** Milliseconds, to a tenth; null where it was not frozen. */
function frozenFor({ milliseconds }: Freezes): number | null {
  return milliseconds === 0 ? null : Math.round(milliseconds * 10) / 10;
}

/** A page stands still for a copy that fails just as for one that is made: whoever asked for it counts both. */
function withFreezes(error: unknown, freezes: Freezes): unknown {
  if (frozenFor(freezes) === null || !isWharfError(error)) return error;
  const { code, message, retryAfter, faults, extra } = error;
  return new WharfError(code, message, {
    cause: error,
    extra: { ...extra, frozen_ms: frozenFor(freezes) },
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(faults === undefined ? {} : { faults: [...faults] }),
  });
}
