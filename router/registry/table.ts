import { type Clock, systemClock } from '../../common/clock.ts';
import type { Announcement, Assignment, SessionDetail, SessionStatus } from '../../fleet/records.ts';
import type { RegistryChange, RegistrySnapshot } from '../../fleet/registry.ts';
import { Forgotten } from './forgotten.ts';
import { Watchers } from './watchers.ts';

/** Who owns a workspace, for all the router knows. */
export interface Owner {
  instance: string;
  epoch: number;
  /** False while it is assigned and not claimed yet: nobody runs its sessions. */
  claimed: boolean;
  /** Since when, on the monotonic clock; minus infinity where that is not known, which is long ago. */
  since: number;
}

/** What tells of an owner: an assignment, a claim, or a session that runs there. */
export type OwnerNews = Pick<Assignment, 'workspace_id' | 'instance' | 'epoch'> &
  Partial<Pick<Assignment, 'claimed' | 'since'>>;

/** States in which a session has no browser that could have died with its instance. */
const WITHOUT_BROWSER: ReadonlySet<SessionStatus> = new Set(['stopped', 'parked', 'logged_out', 'failed']);

/**
 * What a router knows of its fleet: instances, who owns which workspace, sessions. Kept in memory, so that no request waits for Redis.
 * It changes only by what is told to it, and never forgets because it was told nothing: when Redis is away it keeps what it knows.
 *
 * Where two instances speak of one workspace, the higher epoch is right.
 */
export class Table {
  readonly #instances = new Map<string, Announcement>();
  readonly #owners = new Map<string, Owner>();
  /** Workspace -> session id -> session. */
  readonly #sessions = new Map<string, Map<string, SessionDetail>>();
  /** Session id -> the workspaces that have one of this id. */
  readonly #workspacesById = new Map<string, Set<string>>();
  readonly #clock: Clock;
  readonly #forgotten: Forgotten;
  readonly #watchers = new Watchers();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#forgotten = new Forgotten(clock);
  }

  /** Takes in one change. */
  apply(change: RegistryChange): void {
    switch (change.kind) {
      case 'instance':
        this.#instances.set(change.announcement.instance, change.announcement);
        break;
      case 'instance_gone':
        if (this.#instances.get(change.instance)?.incarnation === change.incarnation) {
          this.#instances.delete(change.instance);
        }
        break;
      case 'assignment':
        this.learnOwner(change.assignment);
        break;
      case 'session':
        this.learnSession(change.session);
        break;
      case 'sessions_replaced':
        this.#replaceSessionsOf(change.instance, change.sessions);
        break;
      case 'session_gone':
        if (this.session(change.workspace_id, change.session_id)?.instance === change.instance) {
          this.#forget(change.workspace_id, change.session_id);
        }
        break;
    }
  }

  /**
   * Takes in everything at once. Sessions that a snapshot does not name are gone where it names their instance: an emptied Redis names
   * none, and costs nothing. Owners are never forgotten: a workspace keeps its last one until there is another.
   */
  load(snapshot: RegistrySnapshot): void {
    this.loadInstances(snapshot.instances);
    for (const assignment of snapshot.assignments) this.learnOwner(assignment);
    const named = new Set(snapshot.sessions.map((each) => `${each.workspace_id}/${each.session_id}`));
    for (const session of snapshot.sessions) this.learnSession(session);
    for (const session of [...this.sessions()]) {
      const isNamed = named.has(`${session.workspace_id}/${session.session_id}`);
      // Between two owners: the one before names it no longer, and the next one not yet.
      const isMoving = (this.#owners.get(String(session.workspace_id))?.epoch ?? 0) > session.epoch;
      if (!isNamed && !isMoving && this.#instances.has(session.instance)) {
        this.#forget(String(session.workspace_id), session.session_id);
      }
    }
  }

  /** The instances that live: those not named are gone. */
  loadInstances(announcements: readonly Announcement[]): void {
    this.#instances.clear();
    for (const announcement of announcements) this.#instances.set(announcement.instance, announcement);
  }

  /** An owner, unless a higher epoch is known. */
  learnOwner({ workspace_id: workspace, instance, epoch, claimed = true, since = 0 }: OwnerNews): void {
    const known = this.#owners.get(workspace);
    if (known && known.epoch > epoch) return;
    if (known?.epoch === epoch && known.instance === instance) {
      if (known.claimed || !claimed) return;
      this.#owners.set(workspace, { ...known, claimed });
    } else {
      const now = this.#clock.monotonic();
      // What is heard as it happens is timed here: no two hosts' clocks need to agree.
      const age = known ? 0 : since > 0 ? Math.max(0, this.#clock.now() - since) : Number.POSITIVE_INFINITY;
      this.#owners.set(workspace, { instance, epoch, claimed, since: now - age });
    }
    this.#watchers.tell(workspace);
  }

  /** A session's state, unless a higher epoch is known. */
  learnSession(session: SessionDetail): void {
    const workspace = String(session.workspace_id);
    let sessions = this.#sessions.get(workspace);
    if (!sessions) {
      sessions = new Map();
      this.#sessions.set(workspace, sessions);
    }
    const known = sessions.get(session.session_id);
    if (known && known.epoch > session.epoch) return;
    sessions.set(session.session_id, session);
    let workspaces = this.#workspacesById.get(session.session_id);
    if (!workspaces) {
      workspaces = new Set();
      this.#workspacesById.set(session.session_id, workspaces);
    }
    workspaces.add(workspace);
    this.learnOwner({ workspace_id: workspace, instance: session.instance, epoch: session.epoch });
    this.#watchers.tell(workspace);
  }

  instance(id: string): Announcement | undefined {
    return this.#instances.get(id);
  }

  /** The instances whose lease is held. */
  instances(): Announcement[] {
    return [...this.#instances.values()];
  }

  owner(workspace: string): Owner | undefined {
    return this.#owners.get(workspace);
  }

  /** All workspaces that have an owner. */
  workspaces(): IterableIterator<string> {
    return this.#owners.keys();
  }

  session(workspace: string, session: string): SessionDetail | undefined {
    return this.#sessions.get(workspace)?.get(session);
  }

  /** The workspaces that have a session of this id. */
  workspacesOf(session: string): readonly string[] {
    return [...(this.#workspacesById.get(session) ?? [])];
  }

  /** The workspaces whose instance let go of a session of this id a moment ago: it was deleted, or is between two instances. */
  formerWorkspacesOf(session: string): readonly string[] {
    return this.#forgotten.workspacesOf(session);
  }

  /** Calls back when a workspace's owner or a session of it changes, until the function that is returned is called. */
  watch(workspace: string, changed: () => void): () => void {
    return this.#watchers.add(workspace, changed);
  }

  /** The sessions of one workspace, or of all. */
  *sessions(workspace?: string): IterableIterator<SessionDetail> {
    if (workspace !== undefined) {
      yield* this.#sessions.get(workspace)?.values() ?? [];
      return;
    }
    for (const sessions of this.#sessions.values()) yield* sessions.values();
  }

  /**
   * A session as it may be shown: one whose instance is gone has lost its browser with it, whatever was last heard of it.
   */
  shown(session: SessionDetail): SessionDetail {
    if (this.#instances.has(session.instance) || WITHOUT_BROWSER.has(session.status)) return session;
    return { ...session, status: 'disconnected', last_error: `${session.instance} is not running` };
  }

  #replaceSessionsOf(instance: string, sessions: readonly SessionDetail[]): void {
    for (const known of [...this.sessions()]) {
      if (known.instance === instance) this.#forget(String(known.workspace_id), known.session_id);
    }
    for (const session of sessions) this.learnSession(session);
  }

  /** An instance lets go of a session: it may have been deleted, or go to another instance, which will tell of it. */
  #forget(workspace: string, session: string): void {
    this.#forgotten.add(workspace, session);
    const sessions = this.#sessions.get(workspace);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#sessions.delete(workspace);
    const workspaces = this.#workspacesById.get(session);
    workspaces?.delete(workspace);
    if (workspaces?.size === 0) this.#workspacesById.delete(session);
  }
}
