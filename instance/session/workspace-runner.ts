import { setImmediate as nextTurn } from 'node:timers/promises';
import pMap from 'p-map';
import { type Clock, withDeadline } from '../../common/clock.ts';
import { messageOf, systemCode, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { Ownership } from '../ownership.ts';
import { STORAGE_CONCURRENCY } from '../storage-concurrency.ts';
import type { Grant } from '../supervisor/worker.ts';
import type { Session } from './session.ts';
import type { SessionRoll } from './session-roll.ts';
import type { SessionStore } from './session-store.ts';
import type { Tenure } from './session-takeover.ts';
import { StartGate } from './start-gate.ts';

/** How long a request waits for a workspace whose records are being read, milliseconds. */
const READ_PATIENCE = 5000;

/** How long what is sent waits for a proof after a pause, milliseconds. */
const PROOF_PATIENCE = 3000;

/** Between two tries to read what cannot be read, milliseconds. */
const RETRY = 1000;

/** How long browsers that were killed get to end, milliseconds. */
const END_DEADLINE = 8000;

/** So many pages are told of a new proof in one turn of the event loop. */
const FED_AT_ONCE = 50;

/** Milliseconds that messages under way get before their session is closed for another owner. */
const SENDS_DEADLINE = 5000;

/** What a runner is made of. */
export interface RunnerParts {
  ownership: Ownership;
  roll: SessionRoll;
  store: SessionStore;
  clock: Clock;
  log: Logger;
  /** This host's name. */
  host: string;
  /** Milliseconds that browsers get to close for a hand-over before they are killed. */
  closeWithin: number;
  /** Makes a session of its record and adds it to the roll. */
  make: (record: SessionRecord, tenure: Tenure, signed: boolean) => Session;
  /** Resolves when nothing that was asked of a workspace's sessions is under way any more. */
  idle: (workspace: WorkspaceId) => Promise<void>;
  /** A session is no longer run here, and still exists: another owner runs it, or this one again. */
  onLeave: (session: Session) => void;
}

/** A workspace that is run. */
interface Run {
  grant: Grant;
  phase: 'reading' | 'open' | 'closing';
  /** Settles when its records have been read. */
  read: Promise<void>;
  /** Sessions that are there, though their records could not be read, by why. */
  unread: Map<SessionId, string>;
}

/** Runs the workspaces that are granted: reads and starts their sessions, closes them for a hand-over, ends them at once. */
export class WorkspaceRunner {
  readonly #parts: RunnerParts;
  readonly #runs = new Map<WorkspaceId, Run>();
  /** Sessions of earlier grants that are being ended. */
  readonly #ends = new Map<WorkspaceId, Promise<unknown>>();
  /** Workspaces that are being closed for another owner: the epochs up to which nothing of them starts again. */
  readonly #closing = new Map<WorkspaceId, number>();
  readonly #reads = new StartGate(STORAGE_CONCURRENCY);
  readonly #lists = new StartGate(STORAGE_CONCURRENCY);
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Whether records are still being read: not all sessions are known. */
  get isReading(): boolean {
    return [...this.#runs.values()].some(({ phase }) => phase === 'reading');
  }

  /** Reads a granted workspace's sessions and starts those that should run, each when its profile may be used. Resolves when all were read. */
  async adopt(grant: Grant): Promise<void> {
    // A pause may have ended what was being closed; that the authority held on is no leave to begin again.
    if (this.#stopped || this.#isClosing(grant.workspace, grant.epoch)) return;
    const run: Run = { grant, phase: 'reading', read: Promise.resolve(), unread: new Map() };
    this.#runs.set(grant.workspace, run);
    run.read = this.#read(run);
    await run.read;
  }

  /** On what terms a new session of a workspace is made. Throws `not_owner`. */
  tenure(workspace: WorkspaceId): Tenure {
    this.requireOpen(workspace);
    const run = this.#runs.get(workspace);
    if (!run) throw this.#notHere(workspace, 'was not given it yet');
    return this.#tenureOf(run.grant);
  }

  /** Throws `not_owner` where a workspace is not granted, or is being handed over. */
  requireOpen(workspace: WorkspaceId): void {
    const epoch = this.#parts.ownership.epoch(workspace);
    if (this.#isClosing(workspace, epoch)) throw this.#notHere(workspace, 'hands it over');
  }

  /**
   * Throws where a session that is not known may be there all the same: `storage_unavailable` where its record could not be read, `not_owner` and `instance_unavailable` where the
   * workspace's sessions are not known yet. Messages of a session that is not there are ended by who hears so.
   */
  requireAbsent(workspace: WorkspaceId, session: SessionId): void {
    const run = this.#runs.get(workspace);
    if (!run) throw this.#notHere(workspace, 'was not given it yet');
    if (run.phase === 'reading') throw this.#stillReading(workspace);
    const why = run.unread.get(session);
    if (why === undefined) return;
    throw new WharfError(
      'storage_unavailable',
      `Session ${session} of workspace ${workspace} is there, and its record could not be read when the workspace was started: ${why}`,
    );
  }

  /** A session's record could be read after all. */
  noteRead(workspace: WorkspaceId, session: SessionId): void {
    this.#runs.get(workspace)?.unread.delete(session);
  }

  /** Waits until a workspace's sessions are known. Throws `instance_unavailable` where that takes long. */
  async settled(workspace: WorkspaceId): Promise<void> {
    const run = this.#runs.get(workspace);
    if (run?.phase !== 'reading') return;
    await withDeadline(run.read, READ_PATIENCE, () => this.#stillReading(workspace));
  }

  /**
   * Closes a workspace's sessions for another owner: browsers closed, files on the storage, lists of them written; then it is forgotten.
   * True when all browsers were seen to end.
   */
  async release(workspace: WorkspaceId, epoch: number): Promise<boolean> {
    const run = this.#runs.get(workspace);
    if (run?.grant.epoch !== epoch) return await this.kill(workspace, epoch);
    this.#closing.set(workspace, epoch);
    try {
      return await this.#release(run);
    } finally {
      if (this.#closing.get(workspace) === epoch) this.#closing.delete(workspace);
    }
  }

  async #release(run: Run): Promise<boolean> {
    const { closeWithin, idle, log, ownership, roll } = this.#parts;
    const { workspace, epoch } = run.grant;
    run.phase = 'closing';
    await run.read;
    const sessions = roll.of(workspace);
    // What is being sent comes to its end first: cut off, nobody could say whether it left.
    const sent = Promise.all(sessions.map((session) => session.settle()));
    await withDeadline(sent, Math.min(SENDS_DEADLINE, closeWithin / 2), () => new Error('late')).catch(() =>
      log.warn({ workspace }, 'messages that are not acknowledged in time may be unknown'),
    );
    const closing = Promise.all([idle(workspace), ...sessions.map((session) => session.close())]);
    await withDeadline(closing, closeWithin, () => new Error('late')).catch(() =>
      log.warn({ workspace }, 'browsers that did not close in time are killed'),
    );
    const ended = await this.#endAll(sessions);
    if (ended && ownership.holds(workspace, epoch)) await this.#leaveLists(sessions);
    ownership.revoke(workspace, epoch);
    this.#forget(workspace, epoch, sessions);
    return ended;
  }

  /** Nothing is adopted from now on: the instance stops. */
  stop(): void {
    this.#stopped = true;
  }

  /** {@link WorkspaceRunner.release} of all. The workspaces whose browsers were seen to end. */
  async releaseAll(): Promise<WorkspaceId[]> {
    this.stop();
    const released = await Promise.all(
      [...this.#runs].map(async ([workspace, { grant }]) =>
        (await this.release(workspace, grant.epoch)) ? [workspace] : [],
      ),
    );
    return released.flat();
  }

  /** Ends a workspace's browsers at once: they were sent their end when this returns. True when all were seen to end. */
  kill(workspace: WorkspaceId, epoch: number): Promise<boolean> {
    this.#parts.ownership.revoke(workspace, epoch);
    return this.lapse(workspace, epoch);
  }

  /** {@link WorkspaceRunner.kill} where the authority ran out here: the grant may come to hold again. */
  async lapse(workspace: WorkspaceId, epoch: number): Promise<boolean> {
    const sessions = this.#parts.roll.of(workspace).filter((session) => session.epoch <= epoch);
    const ending = this.#endAll(sessions);
    this.#forget(workspace, epoch, sessions);
    const all = Promise.all([ending, this.#ends.get(workspace)]);
    this.#ends.set(workspace, all);
    try {
      return (await all)[0];
    } finally {
      if (this.#ends.get(workspace) === all) this.#ends.delete(workspace);
    }
  }

  /** Sends every browser its end, and returns: nobody may run any more. */
  abandon(): void {
    for (const session of this.#parts.roll.all()) session.kill().catch(() => {});
  }

  /** Tells the pages of some workspaces that their authority holds longer. */
  async feed(workspaces: readonly WorkspaceId[]): Promise<void> {
    const sessions = workspaces.flatMap((workspace) => this.#parts.roll.of(workspace));
    for (const [index, session] of sessions.entries()) {
      if (index % FED_AT_ONCE === FED_AT_ONCE - 1) await nextTurn();
      session.feed();
    }
  }

  async #read(run: Run): Promise<void> {
    const { roll } = this.#parts;
    const { workspace } = run.grant;
    await this.#ends.get(workspace);
    // What is left of an earlier grant ends before its next begins.
    const earlier = roll.of(workspace);
    if (earlier.length > 0) await this.kill(workspace, run.grant.epoch - 1);
    const leave = await this.#reads.enter(new AbortController().signal);
    try {
      const { store, log } = this.#parts;
      const ids = await this.#persist(run, () => store.list(workspace));
      const quarantined = await this.#persist(run, () => store.isQuarantined(workspace));
      if (quarantined)
        log.error(
          { workspace },
          'the workspace is in quarantine, since instances died while it was starting: it rests until it is moved, or its sessions are started by hand',
        );
      const mayStart = quarantined === false;
      await pMap(ids ?? [], (session) => this.#readOne(run, session, mayStart), {
        concurrency: STORAGE_CONCURRENCY,
      });
    } finally {
      leave();
      if (run.phase === 'reading') run.phase = 'open';
    }
  }

  async #readOne(run: Run, session: SessionId, mayStart: boolean): Promise<void> {
    const { log, make, roll, store } = this.#parts;
    const { grant } = run;
    try {
      const stored = await this.#persist(run, () => store.read(grant.workspace, session));
      if (!stored || !this.#goesOn(run) || roll.get(grant.workspace, session)) return;
      // Before owners signed records, there was one owner for ever.
      const signed =
        Math.max(stored.epoch, stored.epoch === 0 ? stored.record.generation : 0) >= grant.generation;
      const made = make(stored.record, this.#tenureOf(grant), signed);
      if (stored.record.should_run && mayStart) made.resume();
      else if (!signed) {
        made.sign().catch((error: unknown) => {
          if (this.#goesOn(run))
            log.warn(
              { workspace: grant.workspace, session, reason: messageOf(error) },
              'the record of a session that rests could not be signed',
            );
        });
      }
    } catch (error) {
      run.unread.set(session, messageOf(error));
      log.error(
        { workspace: grant.workspace, session, reason: messageOf(error) },
        'a session could not be read and is left alone',
      );
    }
  }

  /** Tries again what the storage refuses, for as long as the workspace is to be run. Throws what trying again does not mend. */
  async #persist<T>(run: Run, task: () => Promise<T>): Promise<T | undefined> {
    const { clock, log } = this.#parts;
    while (this.#goesOn(run)) {
      try {
        return await task();
      } catch (error) {
        if (!(error instanceof Error) || systemCode(error.cause) === undefined) throw error;
        log.error(
          { workspace: run.grant.workspace, reason: messageOf(error) },
          'the sessions of a workspace cannot be read; tried again',
        );
      }
      await clock.sleep(RETRY);
    }
    return undefined;
  }

  #isClosing(workspace: WorkspaceId, epoch: number): boolean {
    return epoch <= (this.#closing.get(workspace) ?? 0);
  }

  #goesOn(run: Run): boolean {
    const { workspace, epoch } = run.grant;
    return (
      this.#runs.get(workspace) === run &&
      run.phase !== 'closing' &&
      this.#parts.ownership.holds(workspace, epoch)
    );
  }

  async #endAll(sessions: readonly Session[]): Promise<boolean> {
    const ending = Promise.all(sessions.map((session) => session.kill()));
    try {
      const ended = await withDeadline(ending, END_DEADLINE, () => new Error('late'));
      return ended.every(Boolean);
    } catch {
      return false;
    }
  }

  async #leaveLists(sessions: readonly Session[]): Promise<void> {
    const { host, log } = this.#parts;
    await Promise.all(
      sessions.map(async (session) => {
        const leave = await this.#lists.enter(new AbortController().signal);
        try {
          await session.release(host);
        } catch (error) {
          const { workspace_id: workspace, session_id } = session.record;
          log.warn(
            { workspace, session: session_id, reason: messageOf(error) },
            'no list of the files of a session was left: its next owner repairs them as after a kill',
          );
        } finally {
          leave();
        }
      }),
    );
  }

  #forget(workspace: WorkspaceId, epoch: number, sessions: readonly Session[]): void {
    const { onLeave, roll } = this.#parts;
    if ((this.#runs.get(workspace)?.grant.epoch ?? Number.POSITIVE_INFINITY) <= epoch)
      this.#runs.delete(workspace);
    for (const session of sessions) if (roll.remove(session)) onLeave(session);
  }

  #tenureOf({ workspace, epoch, generation, released, startAt }: Grant): Tenure {
    const { ownership } = this.#parts;
    return {
      epoch,
      generation,
      released,
      startAt,
      left: () => ownership.left(workspace, epoch),
      require: () => ownership.requireAuthority(workspace, epoch),
      settled: () => ownership.awaitAuthority(workspace, epoch, PROOF_PATIENCE),
    };
  }

  #stillReading(workspace: WorkspaceId): WharfError {
    return new WharfError(
      'instance_unavailable',
      `The sessions of workspace ${workspace} are still being read.`,
    );
  }

  #notHere(workspace: WorkspaceId, why: string): WharfError {
    return new WharfError('not_owner', `${this.#parts.ownership.instance} ${why} (workspace ${workspace}).`, {
      retryAfter: 1,
    });
  }
}
