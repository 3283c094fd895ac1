import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import { exists, listNames, removeTree } from '../../common/files.ts';
import type { PreparedRestore } from '../../fleet/backup/prepared-restore.ts';
import { describeRefusal, refusalOf } from '../../fleet/backup/restore-rules.ts';
import { deletedAt } from '../../fleet/deletions.ts';
import type { SessionRecord, SessionStatus } from '../../fleet/records.ts';
import { formatChromiumVersion, mayOpen, parseChromiumVersion } from '../profile/chromium-version.ts';
import { finishProfile, moveReplaced, replaceProfile } from '../profile/replace-profile.ts';
import type { Turn } from '../session/session-manager.ts';
import { findPlace, type Place } from './placing.ts';
import { checkPrepared, type RestoreKey, readPrepared } from './prepared.ts';
import { type FoundNote, findNote, makeTrashEntry, writeNote } from './restore-note.ts';
import { atRest, generationOf, type RestoreAnswer, type RestoreParts } from './restore-parts.ts';

/** How often it is looked for what another host prepared, and how long between two looks, milliseconds. */
const LOOKS = 12;
const LOOK_PAUSE = 300;

/**
 * Puts sessions from backups in place, at the owner of their workspace, in the session's turn:
 *
 * 1. What lies in `restores/` is checked against its list, and the session as it is now against the rules (`restore-rules.ts`). Nothing was stopped yet.
 * 2. The browser is closed, and was seen to end.
 * 3. An entry in the trash is made, with a note of what was there before.
 * 4. The profile is put in place in one step (`replace-profile.ts`), and what it replaces goes to that entry.
 * 5. The record is written, and the session begun where it should run.
 * 6. The note says that it is done, and what was prepared is removed.
 *
 * Cut off before 4, all is as it was; after it the session starts with the restored profile, whoever starts it, and what is left to do is done when the restore is asked for again.
 */
export class SessionRestores {
  readonly #parts: RestoreParts;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
  }

  /**
   * Restores a session from what was prepared; done already, it answers how the session is now.
   *
   * @param adopt whether a workspace that nobody owns may be claimed
   * @throws WharfError `restore_not_found`, `restore_refused`, `chromium_too_old`, `profile_damaged`, `storage_unavailable`, `browser_failed`, `no_capacity`, `not_owner`
   */
  async restore(key: RestoreKey, adopt: boolean): Promise<RestoreAnswer> {
    // What is there proves that this host sees the storage the restore was prepared on. Claims are written in the turn: on an empty mount point they would prove what is not so.
    await this.#find(key);
    return await this.#parts.manager.inItsTurn(key.workspace, key.session, adopt, (turn) =>
      this.#restore(key, turn),
    );
  }

  async #restore(key: RestoreKey, turn: Turn): Promise<RestoreAnswer> {
    const { paths } = this.#parts;
    const found = await this.#find(key);
    if (found.prepared === null) {
      await removeTree(paths.preparedRestore(key.workspace, key.session, key.restore));
      return answer(turn, found.known);
    }
    const { prepared, known } = found;
    const work = () => this.#carryOut(key, prepared, known, turn);
    return await (prepared.record.should_run ? turn.inItsPlace(work) : work());
  }

  async #carryOut(
    key: RestoreKey,
    prepared: PreparedRestore,
    known: FoundNote | null,
    turn: Turn,
  ): Promise<RestoreAnswer> {
    const { clock, log, paths } = this.#parts;
    const before = await this.#before(key, prepared, turn);
    const place = await this.#place(key, prepared, before, known);
    if (place.kind === 'missing') throw gone(key);
    if (place.kind === 'waiting') await this.#check(key, prepared, before, turn);
    const status = turn.session()?.status ?? null;
    const replace = async () => {
      // Its owner before may have written another record last.
      const now = turn.session()?.record ?? before;
      if (place.kind === 'waiting') await this.#requireAllowed(key, prepared, now, status);
      const note = known ?? (await this.#note(key, prepared, now, turn));
      await this.#putInPlace(key, prepared, note, now, place, turn);
      return note;
    };
    const noted = await atRest(turn, clock, replace, (note) => this.#goOn(prepared, note, turn));
    await writeNote(paths, key.workspace, { ...noted, note: { ...noted.note, state: 'done' } });
    await removeTree(paths.preparedRestore(key.workspace, key.session, key.restore));
    log.warn(
      { ...key, taken_at: prepared.taken_at, trash: noted.trash, forced: prepared.forced },
      prepared.origin === 'import' ? 'the session was imported' : 'the session was restored from a backup',
    );
    return answer(turn, noted);
  }

  /** What was prepared, or the note that it is done. A file system may show late what another host wrote. */
  async #find(
    key: RestoreKey,
  ): Promise<{ prepared: PreparedRestore; known: FoundNote | null } | { prepared: null; known: FoundNote }> {
    const { clock, paths } = this.#parts;
    for (let look = 1; ; look += 1) {
      const known = await findNote(paths, key, key.restore);
      if (known?.note.state === 'undone')
        throw new WharfError(
          'invalid_state',
          `Restore ${key.restore} of session ${key.session} was undone. Restore it anew.`,
        );
      if (known?.note.state === 'done') return { prepared: null, known };
      const prepared = await readPrepared(paths, key);
      if (prepared !== null) return { prepared, known };
      if (look >= LOOKS) throw gone(key);
      await clock.sleep(LOOK_PAUSE);
    }
  }

  async #place(
    key: RestoreKey,
    prepared: PreparedRestore,
    before: SessionRecord | null,
    known: FoundNote | null,
  ): Promise<Place> {
    // Nothing to put in place, or nothing that anybody began with.
    if (prepared.files === null || known === null) return { kind: 'waiting' };
    const tried = { trash: known.trash, placed: known.note.placed };
    return await findPlace(this.#waiting(key), key, before?.generation ?? null, tried, this.#parts.paths);
  }

  /** The session's record as it is now. One that cannot be read may be in the way of what it is to be replaced by only where that is forced. */
  async #before(key: RestoreKey, prepared: PreparedRestore, turn: Turn): Promise<SessionRecord | null> {
    const { store, trash, log } = this.#parts;
    const session = turn.session();
    if (session) return session.record;
    try {
      return (await store.read(key.workspace, key.session))?.record ?? null;
    } catch (error) {
      if (!prepared.forced || (error instanceof Error && systemCode(error.cause) !== undefined)) throw error;
      turn.require();
      const moved = await trash.moveSession(key.workspace, key.session, 'replaced');
      log.warn({ ...key, reason: messageOf(error), moved }, 'a session that cannot be read is replaced');
      return null;
    }
  }

  async #check(
    key: RestoreKey,
    prepared: PreparedRestore,
    before: SessionRecord | null,
    turn: Turn,
  ): Promise<void> {
    const { chromium, clock } = this.#parts;
    await this.#requireAllowed(key, prepared, before, turn.session()?.status ?? null);
    if (!mayOpen(parseChromiumVersion(prepared.chromium ?? ''), chromium))
      throw new WharfError(
        'chromium_too_old',
        `The profile of session ${key.session} (workspace ${key.workspace}) that is to be put in place was last opened by Chromium ${prepared.chromium}, and this host has ` +
          `${formatChromiumVersion(chromium)}: an older one would destroy it. Install ${prepared.chromium} or newer here, or move the workspace to where it is. Nothing was changed.`,
      );
    if (prepared.files === null) return;
    const { from, staging } = this.#waiting(key);
    const staged = join(staging, 'restored-profile');
    await checkPrepared((await exists(staged)) ? staged : from, prepared.files, clock);
    turn.require();
  }

  async #requireAllowed(
    key: RestoreKey,
    prepared: PreparedRestore,
    record: SessionRecord | null,
    status: SessionStatus | null,
  ): Promise<void> {
    if (prepared.forced) return;
    if (prepared.origin === 'import') return requireNone(key, record);
    const deletedSince = await this.#deletedSince(key, prepared);
    const refusal = refusalOf(prepared.record, { record, deletedSince, status });
    if (refusal === null) return;
    throw new WharfError(
      'restore_refused',
      `Session ${key.session} (workspace ${key.workspace}) is not restored: ${describeRefusal(refusal)}.`,
      { extra: { refusal } },
    );
  }

  /** Whether the trash proves that the session was deleted after the copy was taken. */
  async #deletedSince(key: RestoreKey, prepared: PreparedRestore): Promise<boolean> {
    const trash = await listNames(this.#parts.paths.trash(key.workspace), 'list the trash');
    const deleted = deletedAt(trash, key.session);
    return deleted !== null && deleted > Date.parse(prepared.taken_at);
  }

  async #note(
    key: RestoreKey,
    prepared: PreparedRestore,
    before: SessionRecord | null,
    turn: Turn,
  ): Promise<FoundNote> {
    const { clock, paths } = this.#parts;
    const name = { ...key, generation: before?.generation ?? turn.tenure.epoch };
    const had = (await exists(paths.userData(name))) || (await exists(paths.restoredProfile(name)));
    turn.require();
    const trash = await makeTrashEntry(paths, name, clock);
    const noted: FoundNote = {
      trash,
      note: {
        version: 1,
        restore: key.restore,
        state: 'begun',
        before,
        had_profile: before !== null && had,
        // Backups of before links had ids have none.
        link_id: prepared.record.linked ? (prepared.record.link_id ?? randomBytes(12).toString('hex')) : null,
        placed: [generationOf(before, turn)],
        undo: null,
      },
    };
    await writeNote(paths, key.workspace, noted);
    return noted;
  }

  async #putInPlace(
    key: RestoreKey,
    prepared: PreparedRestore,
    noted: FoundNote,
    now: SessionRecord | null,
    place: Place,
    turn: Turn,
  ): Promise<void> {
    const { clock, paths } = this.#parts;
    const { placed } = noted.note;
    const profile = {
      chromium: prepared.chromium,
      takenAt: prepared.taken_at,
      now: clock.now(),
      require: turn.require,
    };
    if (prepared.files === null) {
      if (now) await moveReplaced({ ...key, generation: now.generation }, noted.trash, paths);
      return;
    }
    const generation = generationOf(now, turn);
    if (place.kind === 'placed' || (place.kind === 'stranded' && place.generation === generation)) {
      await finishProfile({ name: { ...key, generation: place.generation }, ...profile }, paths);
      return;
    }
    if (placed.at(-1) !== generation) {
      noted.note.placed = [...placed, generation];
      await writeNote(paths, key.workspace, noted);
    }
    const { from, staging } = this.#waiting(key);
    const replacement = {
      name: { ...key, generation },
      from: place.kind === 'stranded' ? place.from : from,
      staging,
      replaced: now?.generation ?? generation,
      trash: noted.trash,
      ...profile,
    };
    await replaceProfile(replacement, paths);
  }

  /** Writes the record; the session runs where it should. */
  async #goOn(prepared: PreparedRestore, { note }: FoundNote, turn: Turn): Promise<void> {
    const { record } = prepared;
    const session = turn.session();
    const placed = note.placed.at(-1) ?? turn.tenure.generation;
    const after: SessionRecord = {
      ...record,
      generation: Math.max(placed, session?.record.generation ?? 0),
      last_error: null,
      // Nothing of before takes its place where it comes up without its link: that may be of another one, which this record does not name.
      restored_at: prepared.files === null ? null : new Date(this.#parts.clock.now()).toISOString(),
      link_id: note.link_id,
      link_ended: record.linked ? null : (record.link_ended ?? null),
    };
    // Nobody who hears of events knew an imported session as it was before.
    const isTold = prepared.files !== null && prepared.origin !== 'import';
    const takenAt = isTold ? Date.parse(prepared.taken_at) : null;
    turn.require();
    await (session ?? (await turn.add(after))).goOnWith(after, takenAt);
  }

  #waiting(key: RestoreKey) {
    const directory = this.#parts.paths.preparedRestore(key.workspace, key.session, key.restore);
    return { from: join(directory, 'profile'), staging: join(directory, 'generation') };
  }
}

function answer(turn: Turn, { note, trash }: FoundNote): RestoreAnswer {
  return { session: turn.session()?.detail() ?? null, trash: note.before === null ? null : trash };
}

/** An import takes no session's place unless it is forced. */
function requireNone({ session, workspace }: RestoreKey, record: SessionRecord | null): void {
  if (record === null) return;
  throw new WharfError(
    'session_exists',
    `Session ${session} of workspace ${workspace} is there already${record.linked ? ' and linked' : ''}. Nothing was changed. Import it under another id, or replace it.`,
  );
}

function gone({ restore, session, workspace }: RestoreKey): WharfError {
  return new WharfError(
    'restore_not_found',
    `Nothing of restore ${restore} is prepared for session ${session} (workspace ${workspace}) where its owner looks, or what was is not there any more. See that the owner's host has the shared storage mounted; then restore it anew.`,
  );
}
