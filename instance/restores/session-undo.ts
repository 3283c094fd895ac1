import { join } from 'node:path';
import { WharfError } from '../../common/errors.ts';
import { exists } from '../../common/files.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import { readRecordOrFault } from '../profile/profile-record.ts';
import { finishProfile, move, moveReplaced, replaceProfile } from '../profile/replace-profile.ts';
import type { Session } from '../session/session.ts';
import type { Turn } from '../session/session-manager.ts';
import { findPlace, type Place } from './placing.ts';
import type { RestoreKey } from './prepared.ts';
import { type FoundNote, findNote, makeTrashEntry, type RestoreNote, writeNote } from './restore-note.ts';
import { atRest, generationOf, type RestoreAnswer, type RestoreParts } from './restore-parts.ts';

/** A note of a restore whose undoing was begun. */
type Undoing = FoundNote & { note: RestoreNote & { undo: NonNullable<RestoreNote['undo']> } };

/**
 * Puts back what restores replaced, in the way that they put sessions in place: the profile from the entry of the trash takes the place of the restored one, which
 * goes to another entry. A session that a restore had made goes to the trash whole.
 */
export class SessionUndo {
  readonly #parts: RestoreParts;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
  }

  /**
   * Undoes a restore of a session; done already, it answers how the session is now.
   *
   * @param adopt whether a workspace that nobody owns may be claimed
   * @throws WharfError `restore_not_found` where what was replaced is not in the trash any more; `restore_refused` where the session was linked anew or deleted since;
   *   `invalid_state`, `storage_unavailable`, `browser_failed`, `no_capacity`, `not_owner`
   */
  async undo(key: RestoreKey, adopt: boolean): Promise<RestoreAnswer> {
    // Before a claim may be written: see SessionRestores.restore.
    if ((await findNote(this.#parts.paths, key, key.restore)) === null) throw purged(key);
    return await this.#parts.manager.inItsTurn(key.workspace, key.session, adopt, (turn) =>
      this.#undo(key, turn),
    );
  }

  async #undo(key: RestoreKey, turn: Turn): Promise<RestoreAnswer> {
    const found = await findNote(this.#parts.paths, key, key.restore);
    if (found === null) throw purged(key);
    const { before, state } = found.note;
    if (state === 'undone') return this.#answer(turn, found);
    if (state === 'begun')
      throw new WharfError(
        'invalid_state',
        `Restore ${key.restore} of session ${key.session} (workspace ${key.workspace}) is not done yet. Wait for its end, then undo it.`,
      );
    this.#requireThere(key, found.note, turn);
    this.#requireAllowed(key, found.note, turn.session());
    if (before === null) return await this.#removeMade(key, found, turn);
    const work = () => this.#putBack(key, found, before, turn);
    return await (before.should_run ? turn.inItsPlace(work) : work());
  }

  #requireThere(key: RestoreKey, note: RestoreNote, turn: Turn): void {
    if (turn.session() || note.before === null) return;
    throw new WharfError(
      'restore_refused',
      `${notUndone(key)}: the session was deleted since. It is in the trash whole.`,
      { extra: { refusal: 'deleted' } },
    );
  }

  #requireAllowed(key: RestoreKey, note: RestoreNote, session: Session | undefined): void {
    // One whose QR was scanned just now is linked when it is ready.
    const isAnew = session?.record.linked
      ? !isKnownLink(session.record, note)
      : session?.status === 'authenticated';
    if (isAnew)
      throw new WharfError(
        'restore_refused',
        `${notUndone(key)}: the session was linked anew since, and would lose that link. Log it out first if that is what you want.`,
        { extra: { refusal: 'relinked' } },
      );
    if (note.before?.linked && !note.had_profile)
      throw new WharfError(
        'invalid_state',
        `${notUndone(key)}: its profile was not there any more when it was restored, so there is none to put back.`,
      );
  }

  /** The restore had made the session: all of it goes, and may be restored again. */
  async #removeMade(key: RestoreKey, found: FoundNote, turn: Turn): Promise<RestoreAnswer> {
    const { paths, trash } = this.#parts;
    const session = turn.session();
    turn.require();
    if (session && !(await session.close())) throw stillRuns(key);
    turn.require();
    await trash.moveSession(key.workspace, key.session, 'replaced');
    if (session) turn.forget(session);
    await this.#noteUndone(key, found, paths);
    return { session: null, trash: null };
  }

  async #putBack(
    key: RestoreKey,
    found: FoundNote,
    before: SessionRecord,
    turn: Turn,
  ): Promise<RestoreAnswer> {
    const { clock, log, paths } = this.#parts;
    const place = await this.#place(key, found, turn);
    if (found.note.had_profile && place.kind === 'missing') throw purged(key);
    const replace = async () => {
      const undoing = await this.#begin(key, found, turn);
      await this.#putInPlace(key, undoing, place, turn);
      return undoing;
    };
    const undone = await atRest(turn, clock, replace, ({ note }) => this.#goOn(before, note, turn));
    await this.#noteUndone(key, undone, paths);
    log.warn({ ...key, trash: undone.note.undo.trash }, 'the restore of the session was undone');
    return this.#answer(turn, undone);
  }

  async #place(key: RestoreKey, { note, trash }: FoundNote, turn: Turn): Promise<Place> {
    const tried = note.undo ?? { trash, placed: [] };
    const current = turn.session()?.record.generation ?? null;
    return await findPlace(this.#waiting(key, trash), key, current, tried, this.#parts.paths);
  }

  /** Notes where the restored profile goes, before anything is moved. */
  async #begin(key: RestoreKey, found: FoundNote, turn: Turn): Promise<Undoing> {
    const { clock, paths } = this.#parts;
    const record = turn.session()?.record ?? null;
    const generation = generationOf(record, turn);
    const name = { ...key, generation: record?.generation ?? generation };
    const { trash, placed } = found.note.undo ?? {
      trash: await makeTrashEntry(paths, name, clock),
      placed: [],
    };
    const undo = { trash, placed: [...new Set([...placed, generation])] };
    const undoing = { trash: found.trash, note: { ...found.note, undo } };
    turn.require();
    await writeNote(paths, key.workspace, undoing);
    return undoing;
  }

  async #putInPlace(key: RestoreKey, { note, trash }: Undoing, place: Place, turn: Turn): Promise<void> {
    const { clock, paths } = this.#parts;
    const { undo } = note;
    const record = turn.session()?.record ?? null;
    const generation = generationOf(record, turn);
    const replaced = record?.generation ?? generation;
    const entry = join(paths.trash(key.workspace), trash);
    if (!note.had_profile) {
      turn.require();
      await moveReplaced({ ...key, generation: replaced }, undo.trash, paths);
      return;
    }
    const kept = (await readRecordOrFault(join(entry, 'wharf-profile.json'))).record;
    const now = clock.now();
    const profile = {
      chromium: kept?.chromium ?? null,
      takenAt: kept?.opened_at ?? new Date(now).toISOString(),
      now,
      require: turn.require,
    };
    const name = { ...key, generation };
    if (place.kind === 'waiting' || (place.kind === 'stranded' && place.generation !== generation)) {
      const { from, staging } = this.#waiting(key, trash);
      const source = place.kind === 'stranded' ? place.from : from;
      await replaceProfile({ name, from: source, staging, replaced, trash: undo.trash, ...profile }, paths);
    } else if (place.kind !== 'missing') {
      await finishProfile({ name: { ...key, generation: place.generation }, ...profile }, paths);
    }
    const copies = join(entry, 'good-copies');
    if ((await exists(copies)) && !(await exists(paths.goodCopies(name))))
      await move(copies, paths.goodCopies(name));
  }

  /** The record of before, on the generation that the profile is in now; the session runs where it did. */
  async #goOn(before: SessionRecord, { undo }: RestoreNote, turn: Turn): Promise<void> {
    const session = turn.session();
    const generation = Math.max(undo?.placed.at(-1) ?? 0, session?.record.generation ?? 0);
    const after = { ...before, generation, restored_at: null };
    turn.require();
    await (session ?? (await turn.add(after))).goOnWith(after, null);
  }

  async #noteUndone(key: RestoreKey, found: FoundNote, paths: RestoreParts['paths']): Promise<void> {
    await writeNote(paths, key.workspace, { ...found, note: { ...found.note, state: 'undone' } });
  }

  #waiting(key: RestoreKey, trash: string) {
    const entry = join(this.#parts.paths.trash(key.workspace), trash);
    return { from: join(entry, `session-${key.session}`), staging: join(entry, 'generation') };
  }

  #answer(turn: Turn, { note }: FoundNote): RestoreAnswer {
    return { session: turn.session()?.detail() ?? null, trash: note.undo?.trash ?? null };
  }
}

/** Whether a session's link is the one that was restored; or, where the undoing was begun, the one of before, which its record may have already. */
function isKnownLink(record: SessionRecord, { before, link_id, undo }: RestoreNote): boolean {
  if (record.link_id === link_id) return true;
  if (undo === null || !before?.linked) return false;
  // Links of before there were ids got one when they were ready next.
  return before.link_id ? record.link_id === before.link_id : record.phone_number === before.phone_number;
}

function notUndone({ restore, session, workspace }: RestoreKey): string {
  return `Restore ${restore} of session ${session} (workspace ${workspace}) is not undone`;
}

function stillRuns({ session, workspace }: RestoreKey): WharfError {
  return new WharfError(
    'browser_failed',
    `The browser of session ${session} (workspace ${workspace}) was told to end, and was not seen to. Nothing was changed; try again.`,
  );
}

function purged({ restore, session, workspace }: RestoreKey): WharfError {
  return new WharfError(
    'restore_not_found',
    `What restore ${restore} replaced of session ${session} (workspace ${workspace}) is not in the trash: it was removed after its time, or never there. Restore an earlier backup instead.`,
  );
}
