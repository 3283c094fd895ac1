import { sessionTag } from './message-ids.ts';
import type { Acceptance } from './message-queues.ts';
import { type AcceptedMessage, PRIORITIES } from './outgoing.ts';
import { queueKeys } from './queue-keys.ts';
import type { QueueCommands } from './redis-queue-commands.ts';
import type { Replication } from './replication.ts';
import { storedMessage } from './stored-message.ts';

/** Messages that go to Redis in one step: about 4 ms in which it does nothing else. */
const BATCH = 250;

/** A caller who waits for what comes of its messages. */
interface Request {
  messages: readonly AcceptedMessage[];
  acceptances: Acceptance[];
  /** How many of its messages are on their way or done. */
  sent: number;
  resolve: (acceptances: Acceptance[]) => void;
  reject: (error: unknown) => void;
}

/** Messages of one step: a stretch of each of some requests. */
interface Batch {
  parts: { request: Request; count: number }[];
  messages: AcceptedMessage[];
}

/**
 * Writes messages down in batches: while one is on its way, what callers bring is gathered for the next, so that many callers share a round trip and a sync of Redis's
 * file. There is one batch at a time, which keeps the order within a request and between those that came one after the other.
 */
export class Acceptor {
  readonly #accept: QueueCommands['accept'];
  readonly #replication: Replication;
  readonly #maxDepth: number;
  readonly #waiting: Request[] = [];
  #isRunning = false;

  constructor(accept: QueueCommands['accept'], replication: Replication, maxDepth: number) {
    this.#accept = accept;
    this.#replication = replication;
    this.#maxDepth = maxDepth;
  }

  accept(messages: readonly AcceptedMessage[]): Promise<Acceptance[]> {
    if (messages.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages, acceptances: [], sent: 0, resolve, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      // What else comes in this turn of the event loop goes along.
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    for (let batch = this.#gather(); batch.messages.length > 0; batch = this.#gather())
      await this.#write(batch);
    this.#isRunning = false;
  }

  #gather(): Batch {
    const batch: Batch = { parts: [], messages: [] };
    for (const request of this.#waiting) {
      const room = BATCH - batch.messages.length;
      if (room === 0) break;
      const some = request.messages.slice(request.sent, request.sent + room);
      request.sent += some.length;
      batch.messages.push(...some);
      batch.parts.push({ request, count: some.length });
    }
    while (this.#waiting[0]?.sent === this.#waiting[0]?.messages.length && this.#waiting.length > 0)
      this.#waiting.shift();
    return batch;
  }

  async #write({ parts, messages }: Batch): Promise<void> {
    try {
      const answers = await this.#replication.confirmed(() => this.#step(messages), messages.length);
      let index = 0;
      for (const { request, count } of parts) {
        request.acceptances.push(...answers.slice(index, index + count));
        index += count;
        if (request.acceptances.length === request.messages.length) request.resolve(request.acceptances);
      }
    } catch (error) {
      for (const { request } of parts) {
        request.reject(error);
        const waits = this.#waiting.indexOf(request);
        if (waits !== -1) this.#waiting.splice(waits, 1);
      }
    }
  }

  async #step(messages: AcceptedMessage[]): Promise<Acceptance[]> {
    const answers = await this.#accept(
      queueKeys.queues,
      queueKeys.sessions,
      queueKeys.pending,
      queueKeys.rings,
      this.#maxDepth,
      ...messages.flatMap(acceptArguments),
    );
    return answers.map((answer): Acceptance => {
      if (typeof answer === 'string') return { kind: answer };
      const [depth, sentLastMinute] = answer;
      return { kind: 'full', depth, retryAfter: retryAfter(sentLastMinute) };
    });
  }
}

function acceptArguments(accepted: AcceptedMessage): (string | number)[] {
  const { workspace_id: workspace, session_id: session, send_at: sendAt } = accepted;
  return [
    workspace,
    session,
    sessionTag({ workspace, session }),
    accepted.message_id,
    PRIORITIES.indexOf(accepted.priority) + 1,
    sendAt === null ? '' : Date.parse(sendAt),
    ...storedMessage(accepted),
    accepted.waiter ?? '',
  ];
}

/** Seconds until a full queue has room for another message, at the rate it is sent; a minute where nothing is. */
function retryAfter(sentLastMinute: number): number {
  return Math.max(1, Math.ceil(60 / Math.max(1, sentLastMinute)));
}
