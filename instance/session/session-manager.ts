import pMap from 'p-map';
import { withDeadline } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { CreateSession } from '../../fleet/instance-api.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { Ownership } from '../ownership.ts';
import { STORAGE_CONCURRENCY } from '../storage-concurrency.ts';
import { killGroup } from '../whatsapp/process-tree.ts';
import { Session, type SessionParts } from './session.ts';
import { isLive } from './state.ts';

/** What a manager needs beside what its sessions share. */
export interface ManagerOptions {
  parts: Omit<SessionParts, 'onChange'>;
  ownership: Ownership;
  /** Sessions that may run at one time. */
  capacity: number;
  log: Logger;
  onChange: (session: Session) => void;
  onRemove: (workspace: WorkspaceId, session: SessionId) => void;
}

/** The sessions of the workspaces this instance owns. */
export class SessionManager {
  readonly #options: ManagerOptions;
  readonly #sessions = new Map<string, Session>();
  /** What goes on with a session right now: one change at a time, in the order they came. */
  readonly #changes = new Map<string, Promise<unknown>>();
  /** Sessions whose record is being written: each has its place already, or two that come at once would both get the last one. */
  readonly #promised = new Set<string>();
  #closing = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  get capacity(): number {
    return this.#options.capacity;
  }

  all(): Session[] {
    return [...this.#sessions.values()];
  }

  /** Sessions that take up a place: those that should run. */
  get occupied(): number {
    const keys = new Set(this.#promised);
    for (const [key, session] of this.#sessions) if (session.record.should_run) keys.add(key);
    return keys.size;
  }

  get readyCount(): number {
    return this.all().filter((session) => session.status === 'ready').length;
  }

  /** Throws `not_owner`, `session_not_found`. */
  get(workspace: WorkspaceId, session: SessionId): Session {
    this.#options.ownership.epoch(workspace);
    const found = this.#sessions.get(keyOf(workspace, session));
    if (!found)
      throw new WharfError('session_not_found', `Workspace ${workspace} has no session ${session}.`);
    return found;
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
      const epoch = adopt ? await ownership.adopt(workspace) : ownership.epoch(workspace);
      const existing = this.#sessions.get(keyOf(workspace, session));
      if (existing) {
        this.#requireSame(existing.record, settings);
        return { session: existing, created: false };
      }
      const stored = await parts.store.read(workspace, session);
      if (stored) {
        this.#requireSame(stored, settings);
        return { session: this.#restoreOne(stored, epoch), created: false };
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
        generation: epoch,
        created_at: new Date(parts.clock.now()).toISOString(),
        last_error: null,
      };
      await this.#inItsPlace(workspace, session, () => parts.store.write(record));
      const made = this.#add(record, epoch);
      // Where the instance began to stop meanwhile, the record stands, and the next start of the instance starts it.
      if (!this.#closing) made.resume();
      return { session: made, created: true };
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
    return this.#inTurn(workspace, session, async () => {
      const found = this.get(workspace, session);
      const unlinked = await found.logout();
      await this.#options.parts.trash.moveSession(workspace, session);
      this.#sessions.delete(keyOf(workspace, session));
      this.#options.onRemove(workspace, session);
      return unlinked;
    });
  }

  /**
   * Takes over the sessions on the storage of the workspaces given, and starts those that should run.
   * One whose record cannot be read is left alone and logged: it must not keep the others from starting.
   */
  async restore(workspaces: readonly WorkspaceId[]): Promise<void> {
    await pMap(workspaces, (workspace) => this.#restoreWorkspace(workspace), {
      concurrency: STORAGE_CONCURRENCY,
    });
  }

  async #restoreWorkspace(workspace: WorkspaceId): Promise<void> {
    const { ownership, parts, log } = this.#options;
    const epoch = ownership.epoch(workspace);
    for (const id of await parts.store.list(workspace)) {
      try {
        const record = await parts.store.read(workspace, id);
        if (record && !this.#sessions.has(keyOf(workspace, id))) this.#restoreOne(record, epoch);
      } catch (error) {
        log.error(
          { workspace, session: id, reason: messageOf(error) },
          'a session could not be read and is left alone',
        );
      }
    }
  }

  /** Closes all browsers in parallel; those still running after `deadline` milliseconds are killed. Whether they should run stays as it is. */
  async close(deadline: number): Promise<void> {
    this.#closing = true;
    const closing = Promise.allSettled(this.all().map((session) => session.close()));
    try {
      await withDeadline(closing, deadline, () => new Error('late'));
    } catch {
      const left = this.all().filter((session) => isLive(session.status));
      this.#options.log.warn({ sessions: left.length }, 'browsers that did not close in time are killed');
      for (const { browserPid } of left) if (browserPid !== undefined) killGroup(browserPid);
    }
  }

  #restoreOne(record: SessionRecord, epoch: number): Session {
    const session = this.#add(record, epoch);
    if (record.should_run && !this.#closing) session.resume();
    return session;
  }

  #add(record: SessionRecord, epoch: number): Session {
    const session = new Session(record, epoch, { ...this.#options.parts, onChange: this.#options.onChange });
    this.#sessions.set(keyOf(record.workspace_id, record.session_id), session);
    this.#options.onChange(session);
    return session;
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
  async #inItsPlace(workspace: WorkspaceId, session: SessionId, change: () => Promise<void>): Promise<void> {
    const key = keyOf(workspace, session);
    if (!this.#sessions.get(key)?.record.should_run) this.#requireRoom();
    this.#promised.add(key);
    try {
      await change();
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
