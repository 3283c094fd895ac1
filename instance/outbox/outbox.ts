import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import type { SessionQueues } from '../../fleet/queue/session-queues.ts';
import type { SessionStatus } from '../../fleet/records.ts';
import type { SessionListener } from '../session/listener.ts';
import type { Session } from '../session/session.ts';
import type { Happening } from '../whatsapp/client.ts';
import { Dispatcher } from './dispatcher.ts';
import type { OutboxParts } from './outbox-parts.ts';

/** Finds a session that is here. */
export type FindSession = (workspace: WorkspaceId, session: SessionId) => Session | undefined;

/** Sends the messages of an instance's sessions: a {@link Dispatcher} for each session, and one ear at the doorbell of each workspace. */
export class Outbox implements SessionListener<Session> {
  readonly #queues: SessionQueues;
  readonly #find: FindSession;
  readonly #parts: OutboxParts;
  readonly #dispatchers = new Map<Session, Dispatcher>();
  /** Sessions that left: their state still changes, and what their browser says last still comes. */
  readonly #left = new WeakSet<Session>();
  readonly #doorbells = new Map<WorkspaceId, () => void>();
  #closed = false;

  constructor(queues: SessionQueues, find: FindSession, parts: OutboxParts) {
    this.#queues = queues;
    this.#find = find;
    this.#parts = parts;
  }

  /** Listens to the doorbells of these workspaces, and of no others: also messages of a session that never changes its state may wait too long. */
  serve(workspaces: Iterable<WorkspaceId>): void {
    const wanted = new Set(workspaces);
    for (const [workspace, hangUp] of [...this.#doorbells]) {
      if (wanted.has(workspace)) continue;
      hangUp();
      this.#doorbells.delete(workspace);
    }
    for (const workspace of wanted) this.#listen(workspace);
  }

  changed(session: Session, from: SessionStatus, to: SessionStatus): void {
    const dispatcher = this.#dispatchers.get(session);
    if (dispatcher) dispatcher.changed(from, to);
    else this.#dispatch(session);
  }

  qr(): void {
    // Nothing is sent by one that is not linked.
  }

  happened(session: Session, happening: Happening): void {
    if (happening.kind === 'ack') this.#dispatch(session)?.acknowledged(happening.whatsappId, happening.ack);
  }

  async settle(session: Session): Promise<void> {
    await this.#dispatchers.get(session)?.settle();
  }

  /** Whether nothing of a session is being sent, or is due: see {@link Dispatcher.isCalm}. */
  isCalm(session: Session): boolean {
    return this.#dispatchers.get(session)?.isCalm ?? true;
  }

  /** Begins nothing of a session, where it is calm, until the function that comes back is called; else undefined. */
  holdBack(session: Session): (() => void) | undefined {
    const dispatcher = this.#dispatchers.get(session);
    return dispatcher ? dispatcher.holdBack() : () => {};
  }

  left(session: Session): void {
    this.#left.add(session);
    this.#dispatchers.get(session)?.close();
    this.#dispatchers.delete(session);
  }

  /** Stops everything at once; what is in hand is found out by its next owner. */
  close(): void {
    this.#closed = true;
    for (const dispatcher of this.#dispatchers.values()) dispatcher.close();
    this.#dispatchers.clear();
    this.serve([]);
  }

  #dispatch(session: Session): Dispatcher | undefined {
    const known = this.#dispatchers.get(session);
    if (known || this.#closed || this.#left.has(session)) return known;
    const { workspace_id: workspace, session_id } = session.record;
    this.#listen(workspace);
    const queue = this.#queues.open({ workspace, session: session_id }, () => session.epoch);
    const dispatcher = new Dispatcher(session, queue, this.#parts);
    this.#dispatchers.set(session, dispatcher);
    return dispatcher;
  }

  #listen(workspace: WorkspaceId): void {
    if (this.#closed || this.#doorbells.has(workspace)) return;
    // Set first: a doorbell may ring while it is being put up.
    this.#doorbells.set(workspace, () => {});
    const hangUp = this.#queues.listen(workspace, (id) => {
      const session = this.#find(workspace, id);
      if (session) this.#dispatch(session)?.ring();
    });
    this.#doorbells.set(workspace, hangUp);
  }
}
