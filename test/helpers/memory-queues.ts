import { WharfError } from '../../common/errors.ts';
import type { MessageId, SessionKey } from '../../fleet/queue/message-ids.ts';
import type {
  Acceptance,
  Cancellation,
  EndedMessage,
  MessageQueues,
  QueueView,
  Reservation,
  Reserved,
} from '../../fleet/queue/message-queues.ts';
import { QUEUED } from '../../fleet/queue/message-state.ts';
import type { AcceptedMessage, MessageState, MessageView } from '../../fleet/queue/outgoing.ts';

/** The message queues in memory, for tests of what stands before them: what was handed in, states and faults by hand. */
export class MemoryQueues implements MessageQueues {
  /** True: they cannot be used. */
  away = false;
  /** Messages all queues hold together before they are full. */
  depth = Number.POSITIVE_INFINITY;
  /** Calls of {@link accept} so far, and of {@link find}. */
  accepts = 0;
  finds = 0;
  /** In the order accepted. */
  readonly messages = new Map<MessageId, { message: AcceptedMessage; state: MessageState }>();
  readonly #keys = new Map<string, Reservation>();
  readonly #listeners = new Map<string, (message: MessageId) => void>();

  async accept(messages: readonly AcceptedMessage[]): Promise<Acceptance[]> {
    this.#require();
    this.accepts += 1;
    return messages.map((message) => {
      if (this.messages.has(message.message_id)) return { kind: 'known' };
      if (this.messages.size >= this.depth) return { kind: 'full', depth: this.messages.size, retryAfter: 7 };
      this.messages.set(message.message_id, { message, state: { ...QUEUED } });
      return { kind: 'queued' };
    });
  }

  async reserve(reservations: readonly Reservation[]): Promise<Reserved[]> {
    this.#require();
    return reservations.map((reservation) => {
      const name = JSON.stringify([reservation.owner, reservation.key]);
      const known = this.#keys.get(name);
      if (known === undefined) {
        this.#keys.set(name, reservation);
        return { kind: 'new', messageId: reservation.messageId };
      }
      if (known.fingerprint !== reservation.fingerprint) return { kind: 'conflict' };
      return { kind: 'known', messageId: known.messageId };
    });
  }

  async find(id: MessageId): Promise<MessageView | undefined> {
    this.#require();
    this.finds += 1;
    const found = this.messages.get(id);
    if (!found) return undefined;
    const { waiter, ...message } = found.message;
    return { ...message, ...found.state };
  }

  async sessionOf(id: MessageId): Promise<SessionKey | undefined> {
    this.#require();
    const message = this.messages.get(id)?.message;
    return message && { workspace: message.workspace_id, session: message.session_id };
  }

  async cancel(id: MessageId): Promise<Cancellation> {
    this.#require();
    const found = this.messages.get(id);
    if (!found) return 'not_found';
    if (found.state.status === 'sending') return 'under_way';
    if (found.state.status !== 'queued') return 'ended';
    this.#end(id, { status: 'failed', error: { code: 'cancelled', detail: 'It was cancelled.' } });
    return 'cancelled';
  }

  async views(): Promise<QueueView[]> {
    this.#require();
    return [];
  }

  async endAll(
    { workspace, session }: SessionKey,
    code: string,
    detail: string,
    tell: (ended: EndedMessage[]) => Promise<void>,
  ): Promise<number> {
    this.#require();
    const ended: EndedMessage[] = [];
    for (const [id, { message, state }] of this.messages) {
      const isTheirs = message.workspace_id === workspace && message.session_id === session;
      if (!isTheirs || (state.status !== 'queued' && state.status !== 'sending')) continue;
      ended.push({ message: id, to: message.message.to, status: 'failed' });
    }
    await tell(ended);
    for (const { message } of ended) this.#end(message, { status: 'failed', error: { code, detail } });
    return ended.length;
  }

  async onEnded(router: string, hear: (message: MessageId) => void): Promise<() => Promise<void>> {
    this.#require();
    this.#listeners.set(router, hear);
    return async () => {
      this.#listeners.delete(router);
    };
  }

  async close(): Promise<void> {}

  /** Gives a message a state, and tells who waits for it where that is an end; `quietly` tells nobody. */
  set(id: MessageId, changes: Partial<MessageState>, quietly = false): void {
    const found = this.messages.get(id);
    if (!found) throw new Error(`no message ${id}`);
    Object.assign(found.state, changes);
    if (quietly || found.state.status === 'queued' || found.state.status === 'sending') return;
    if (found.message.waiter !== null) this.#listeners.get(found.message.waiter)?.(id);
  }

  /** The messages of a session, in the order accepted. */
  of(session: string): AcceptedMessage[] {
    return [...this.messages.values()].flatMap(({ message }) =>
      message.session_id === session ? [message] : [],
    );
  }

  #end(id: MessageId, changes: Partial<MessageState>): void {
    this.set(id, { ...changes, ended_at: new Date().toISOString() });
  }

  #require(): void {
    if (this.away) throw new WharfError('queue_unavailable', 'The queues of this test are away.');
  }
}
