import { withDeadline } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { CreateSession } from '../../fleet/instance-api.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { Ownership } from '../ownership.ts';
import { Session, type SessionParts } from './session.ts';
import { SessionRoll } from './session-roll.ts';
import type { Tenure } from './session-takeover.ts';
import { isLive } from './state.ts';
import { WorkspaceRunner } from './workspace-runner.ts';

/** What a manager needs beside what its sessions share. */
export interface ManagerOptions {
  parts: Omit<SessionParts, 'onChange' | 'onGone'>;
  ownership: Ownership;
  /** This host's name. */
  host: string;
  /** Milliseconds that the browsers of a workspace get to close by themselves. */
  closeWithin: number;
  /** Sessions that may run at one time. */
  capacity: number;
  log: Logger;
  onChange: (session: Session) => void;
  /** A session was deleted. */
  onRemove: (workspace: WorkspaceId, session: SessionId) => void;
  /** See {@link RunnerParts.onLeave}. */
  onLeave: (session: Session) => void;
}

/** Milliseconds that records for people may take to be written when an instance stops. */
const RECORDS_DEADLINE = 1000;

/** One session in its turn: nothing else is done with it meanwhile. */
export interface Turn {
  /** On what terms its workspace is run. */
  readonly tenure: Tenure;
  /** Undefined where there is none. */
  session(): Session | undefined;
  /** Throws `not_owner`, `ownership_unproved` where it is not this turn's to change any more. */
  require(): void;
  /** Writes the record of one that there was none of, and makes it; it does not run yet. */
  add(record: SessionRecord): Promise<Session>;
  /** It is gone. */
  forget(session: Session): void;
  /** As {@link SessionManager.delete}. Throws `session_not_found` where there is none. */
  delete(): Promise<boolean>;
  /** Makes something run that takes a place, its place kept for it meanwhile. Throws `no_capacity`. */
  inItsPlace<T>(change: () => Promise<T>): Promise<T>;
}

/** The sessions of the workspaces this instance owns, and what is asked of each; which workspaces those are, {@link WorkspaceRunner} sees to. */
export class SessionManager {
  readonly workspaces: WorkspaceRunner;
  readonly #options: ManagerOptions;
  readonly #roll = new SessionRoll();
  /** What goes on with a session right now: one change at a time, in the order they came. */
  readonly #changes = new Map<string, Promise<unknown>>();
  /** Sessions whose record is being written: each has its place already, or two that come at once would both get the last one. */
  readonly #promised = new Set<string>();
  #closing = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    const { ownership, parts, host, closeWithin, log, onLeave } = options;
    this.workspaces = new WorkspaceRunner({
      ownership,
      roll: this.#roll,
      store: parts.store,
      clock: parts.clock,
      log,
      host,
      closeWithin,
      make: (record, tenure, signed) => this.#add(record, tenure, signed),
      idle: (workspace) => this.#idle(workspace),
      onLeave,
    });
  }

  get capacity(): number {
    return this.#options.capacity;
  }

  all(): Session[] {
    return this.#roll.all();
  }

  /** Sessions that take up a place: those that should run. */
  get occupied(): number {
    const keys = new Set(this.#promised);
    for (const { record } of this.all())
      if (record.should_run) keys.add(keyOf(record.workspace_id, record.session_id));
    return keys.size;
  }

  get readyCount(): number {
    return this.all().filter((session) => session.status === 'ready').length;
  }

  /** A session that is here, whatever becomes of its workspace. */
  find(workspace: WorkspaceId, session: SessionId): Session | undefined {
    return this.#roll.get(workspace, session);
  }

  /** Throws `not_owner`, `session_not_found`; what `requireAbsent` throws where that cannot be said. */
  get(workspace: WorkspaceId, session: SessionId): Session {
    this.workspaces.requireOpen(workspace);
    const found = this.#roll.get(workspace, session);
    if (found) return found;
    this.workspaces.requireAbsent(workspace, session);
    throw new WharfError('session_not_found', `Workspace ${workspace} has no session ${session}.`);
  }

  /**
   * Makes a session and starts it; one that exists with the same settings is answered as it is.
   *
   * @param adopt whether a workspace that nobody owns may be claimed
   * @throws WharfError `not_owner`, `session_exists` (with other settings), `no_capacity`, `storage_unavailable`, `shutting_down`
   */
  create(
    workspace: WorkspaceId,
    session: SessionId,
    settings: CreateSession,
    adopt: boolean,
  ): Promise<{ session: Session; created: boolean }> {
    return this.#inTurn(workspace, session, async () => {
      const { ownership, parts } = this.#options;
      if (adopt) await ownership.claimFirst(workspace);
      await this.workspaces.settled(workspace);
      const tenure = this.workspaces.tenure(workspace);
      const existing = this.#roll.get(workspace, session);
      if (existing) {
        this.#requireSame(existing.record, settings);
        return { session: existing, created: false };
      }
      const stored = await parts.store.read(workspace, session);
      if (stored) {
        this.#requireSame(stored.record, settings);
        return { session: this.#keep(stored.record, stored.epoch), created: false };
      }
      const record: SessionRecord = {
        version: 1,
        workspace_id: workspace,
        session_id: session,
        account_id: settings.account_id,
        proxy: settings.proxy,
        should_run: true,
        linked: false,
        phone_number: null,
        generation: tenure.epoch,
        created_at: new Date(parts.clock.now()).toISOString(),
        last_error: null,
      };
      await this.#inItsPlace(workspace, session, () => {
        tenure.require();
        return parts.store.write(record, tenure.epoch);
      });
      return { session: this.#keep(record, tenure.epoch), created: true };
    });
  }

  start(workspace: WorkspaceId, session: SessionId): Promise<Session> {
    return this.#change(workspace, session, (found) =>
      this.#inItsPlace(workspace, session, () => found.start()),
    );
  }

  stop(workspace: WorkspaceId, session: SessionId): Promise<Session> {
    return this.#change(workspace, session, (found) => found.stop());
  }

  restart(workspace: WorkspaceId, session: SessionId): Promise<Session> {
    return this.#change(workspace, session, (found) =>
      this.#inItsPlace(workspace, session, () => found.restart()),
    );
  }

  logout(workspace: WorkspaceId, session: SessionId): Promise<Session> {
    return this.#change(workspace, session, async (found) => {
      await found.logout();
    });
  }

  /** Logs a session out where it can be and moves all of it to the trash. True when WhatsApp was told. */
  delete(workspace: WorkspaceId, session: SessionId): Promise<boolean> {
    return this.#inTurn(workspace, session, () => this.#delete(workspace, session));
  }

  /** Keeps a session however long nobody uses it. */
  keep(workspace: WorkspaceId, session: SessionId): Promise<Session> {
    return this.#change(workspace, session, (found) => found.note({ keep: true }));
  }

  /** Takes {@link SessionManager.keep} back. */
  unkeep(workspace: WorkspaceId, session: SessionId): Promise<Session> {
    return this.#change(workspace, session, (found) => found.note({ keep: false }));
  }

  /**
   * Does something with a session, or where one is to be, when what was asked of it before is done. That its workspace is owned here stands on the storage.
   *
   * @param adopt whether a workspace that nobody owns may be claimed
   * @throws WharfError `not_owner`, `shutting_down`, what `task` throws
   */
  inItsTurn<T>(
    workspace: WorkspaceId,
    session: SessionId,
    adopt: boolean,
    task: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    return this.#inTurn(workspace, session, async () => {
      const { ownership, parts } = this.#options;
      if (adopt) await ownership.claimFirst(workspace);
      await this.workspaces.settled(workspace);
      const tenure = this.workspaces.tenure(workspace);
      await ownership.confirmClaim(workspace);
      let known = this.#roll.get(workspace, session);
      return await task({
        tenure,
        session: () => this.#roll.get(workspace, session),
        require: () => {
          tenure.require();
          if (this.#roll.get(workspace, session) === known) return;
          throw new WharfError(
            'not_owner',
            `Workspace ${workspace} was given up and begun again meanwhile. Try again.`,
          );
        },
        add: async (record) => {
          tenure.require();
          await parts.store.write(record, tenure.epoch);
          known = this.#add(record, this.workspaces.tenure(workspace), true);
          return known;
        },
        forget: (gone) => {
          this.#forget(gone);
          known = undefined;
        },
        delete: async () => {
          const unlinked = await this.#delete(workspace, session);
          known = undefined;
          return unlinked;
        },
        inItsPlace: (change) => this.#inItsPlace(workspace, session, change),
      });
    });
  }

  /** Closes all browsers in parallel; those still running after `deadline` milliseconds are killed. Whether they should run stays as it is. */
  async close(deadline: number): Promise<void> {
    this.#closing = true;
    this.workspaces.stop();
    const closing = Promise.allSettled(this.all().map((session) => session.close()));
    try {
      await withDeadline(closing, deadline, () => new Error('late'));
    } catch {
      const left = this.all().filter((session) => isLive(session.status));
      this.#options.log.warn({ sessions: left.length }, 'browsers that did not close in time are killed');
      for (const session of left) session.kill().catch(() => {});
    }
    const { store } = this.#options.parts;
    // Owners' records are written; what is for people may be late.
    await withDeadline(store.settled(), RECORDS_DEADLINE, () => new Error('late')).catch(() => {});
  }

  /**
   * Makes a session of a record that was just read or written, and starts it. Who runs its workspace may have changed meanwhile: then the
   * record stands, and whoever runs it next starts it. Throws `not_owner`.
   */
  #keep(record: SessionRecord, epoch: number): Session {
    const tenure = this.workspaces.tenure(record.workspace_id);
    const known = this.#roll.get(record.workspace_id, record.session_id);
    if (known) return known;
    const kept = this.#add(record, tenure, epoch >= tenure.generation);
    if (record.should_run && !this.#closing) kept.resume();
    return kept;
  }

  #add(record: SessionRecord, tenure: Tenure, signed: boolean): Session {
    const { parts, onChange } = this.#options;
    const session = new Session(
      record,
      tenure,
      { ...parts, onChange, onGone: (gone) => this.#forget(gone) },
      signed,
    );
    this.#roll.add(session);
    this.workspaces.noteRead(record.workspace_id, record.session_id);
    onChange(session);
    return session;
  }

  async #delete(workspace: WorkspaceId, session: SessionId): Promise<boolean> {
    const found = this.get(workspace, session);
    const unlinked = await found.logout();
    await found.close();
    await this.#options.parts.trash.moveSession(workspace, session);
    this.#forget(found);
    return unlinked;
  }

  #forget(session: Session): void {
    const { workspace_id, session_id } = session.record;
    void session.close();
    if (this.#roll.remove(session)) this.#options.onRemove(workspace_id, session_id);
  }

  /** What is under way with the sessions of a workspace; it may fail. */
  async #idle(workspace: WorkspaceId): Promise<void> {
    const mine = [...this.#changes].filter(([key]) => key.startsWith(`${workspace}/`));
    await Promise.allSettled(mine.map(([, change]) => change));
  }

  #change(
    workspace: WorkspaceId,
    session: SessionId,
    change: (found: Session) => Promise<void>,
  ): Promise<Session> {
    return this.#inTurn(workspace, session, async () => {
      const found = this.get(workspace, session);
      await change(found);
      return found;
    });
  }

  async #inTurn<T>(workspace: WorkspaceId, session: SessionId, change: () => Promise<T>): Promise<T> {
    const key = keyOf(workspace, session);
    const before = this.#changes.get(key) ?? Promise.resolve();
    const inTurn = () => {
      if (this.#closing) throw new WharfError('shutting_down', 'This instance is stopping.');
      return change();
    };
    const mine = before.then(inTurn, inTurn);
    this.#changes.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#changes.get(key) === mine) this.#changes.delete(key);
    }
  }

  /** Makes something run that takes a place, its place kept for it meanwhile. Throws `no_capacity`. */
  async #inItsPlace<T>(workspace: WorkspaceId, session: SessionId, change: () => Promise<T>): Promise<T> {
    const key = keyOf(workspace, session);
    if (!this.#roll.get(workspace, session)?.record.should_run) this.#requireRoom();
    this.#promised.add(key);
    try {
      return await change();
    } finally {
      this.#promised.delete(key);
    }
  }

  #requireRoom(): void {
    if (this.occupied < this.#options.capacity) return;
    throw new WharfError('no_capacity', `This instance runs ${this.occupied} sessions, as many as it may.`, {
      retryAfter: 30,
    });
  }

  #requireSame(record: Readonly<SessionRecord>, settings: CreateSession): void {
    const differs = (['account_id', 'proxy'] as const).filter((name) => record[name] !== settings[name]);
    if (differs.length === 0) return;
    throw new WharfError(
      'session_exists',
      `Session ${record.session_id} of workspace ${record.workspace_id} exists with another ${differs.join(' and ')}. Use another session_id, or delete it first.`,
    );
  }
}

function keyOf(workspace: WorkspaceId, session: SessionId): string {
  return `${workspace}/${session}`;
}
