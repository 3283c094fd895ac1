import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { SendLimits } from './limits.ts';
import type { MessageId, SessionKey } from './message-ids.ts';
import type { Ack } from './message-state.ts';
import { QUEUED } from './message-state.ts';
import { type AcceptedMessage, type MessageFault, type MessageState, PRIORITIES } from './outgoing.ts';
import { queueAnswer } from './queue-answers.ts';
import { queueKeys } from './queue-keys.ts';
import type { QueueCommands } from './redis-queue-commands.ts';
import type { Replication } from './replication.ts';
import type { HeldMessage, Next, SessionQueue } from './session-queues.ts';
import { hasBody, readState, readStoredMessage, STORED_FIELDS, stateText } from './stored-message.ts';

/** Messages of which more may be heard that are named at most; the newest. */
const UNSETTLED = 1000;

/** Tells that a message was given up, since what lies in the queue cannot be read; durable when it resolves. It may be called again for the same one. */
export type TellGivenUp = (
  session: SessionKey,
  message: MessageId,
  status: 'failed' | 'unknown',
  error: MessageFault,
) => Promise<void>;

/** What the queues of an instance's sessions share. */
export interface SessionQueueParts {
  redis: Redis;
  commands: QueueCommands;
  replication: Replication;
  limits: SendLimits;
  /** True where bodies are kept for a time after their message's end. */
  keepsBodies: boolean;
  tellGivenUp: TellGivenUp;
  clock: Clock;
  log: Logger;
}

/** {@link SessionQueue} in Redis: each method is one command. */
export class RedisSessionQueue implements SessionQueue {
  readonly #key: SessionKey;
  readonly #epoch: () => number;
  readonly #parts: SessionQueueParts;
  readonly #queue: string;
  readonly #limits: (string | number)[];

  constructor(key: SessionKey, epoch: () => number, parts: SessionQueueParts) {
    this.#key = key;
    this.#epoch = epoch;
    this.#parts = parts;
    this.#queue = queueKeys.queue(key);
    const { session, global, workspace } = parts.limits;
    this.#limits = [
      session.count,
      session.window,
      global.count,
      global.window,
      ...PRIORITIES.flatMap((priority) => [workspace[priority].count, workspace[priority].window, priority]),
    ];
  }

  async requireOwner(): Promise<void> {
    await this.#parts.commands.requireOwner(queueKeys.epochs, this.#key.workspace, this.#epoch());
  }

  async next(): Promise<Next> {
    for (;;) {
      const answer = await this.#parts.commands.next(
        this.#queue,
        queueKeys.epochs,
        queueKeys.pending + this.#key.workspace,
        queueKeys.sessionSends(this.#key),
        queueKeys.workspaceSends(this.#key.workspace, ''),
        queueKeys.globalSends,
        this.#key.workspace,
        this.#key.session,
        this.#epoch(),
        ...this.#limits,
      );
      if (answer[0] === 'empty') return { kind: 'empty' };
      if (answer[0] === 'wait') return { kind: 'wait', milliseconds: answer[1], why: answer[2] };
      const [, id, envelope, body, state, begun] = answer;
      const held = this.#read(id, envelope, body, state, begun === 1);
      if (held) return { kind: 'message', held };
      await this.#giveUp(id, begun === 1);
    }
  }

  async begin(held: HeldMessage): Promise<boolean> {
    // Where the replica that becomes the master did not have this, a message that has left would look as if it had not: so it is waited for.
    const state = await this.#parts.replication.confirmed(() =>
      this.#parts.commands.begin(...this.#of(held.message.message_id), this.#now()),
    );
    if (state === null) return false;
    held.state = readState(state);
    held.begun = true;
    return true;
  }

  async retract(held: HeldMessage): Promise<void> {
    await this.#parts.commands.retract(...this.#of(held.message.message_id), held.state.attempts);
    held.begun = false;
  }

  async finish(held: HeldMessage, state: MessageState): Promise<MessageState> {
    const written = await this.#finish(held.message.message_id, state);
    held.state = written === null ? state : readState(written);
    return held.state;
  }

  async giveBack(held: HeldMessage): Promise<void> {
    await this.#parts.commands.giveBack(...this.#of(held.message.message_id));
  }

  async note(message: MessageId, { whatsappId, ack, at }: Ack): Promise<MessageState | undefined> {
    const state = await this.#parts.commands.note(...this.#of(message), whatsappId, ack, at);
    return state === null ? undefined : readState(state);
  }

  async find(
    message: MessageId,
  ): Promise<{ message: AcceptedMessage | undefined; state: MessageState } | undefined> {
    const [envelope, body, state] = await queueAnswer(
      this.#parts.redis.hmget(this.#queue + message, ...STORED_FIELDS),
    );
    if (typeof envelope !== 'string') return undefined;
    const found = readStoredMessage(envelope, body ?? null, state ?? null);
    return { message: hasBody(found.message) ? found.message : undefined, state: found.state };
  }

  async unsettled(hours: number): Promise<MessageId[]> {
    const since = this.#parts.clock.now() - hours * 3_600_000;
    return await queueAnswer(
      this.#parts.redis.zrevrangebyscore(
        `${this.#queue}unsettled`,
        '+inf',
        Math.round(since),
        'LIMIT',
        0,
        UNSETTLED,
      ),
    );
  }

  #read(
    id: MessageId,
    envelope: string | null,
    body: string | null,
    state: string | null,
    begun: boolean,
  ): HeldMessage | undefined {
    try {
      if (envelope === null) throw new Error('it has no envelope');
      const { message, state: known } = readStoredMessage(envelope, body, state);
      if (!hasBody(message)) throw new Error('it has no body that can be read');
      return { message, state: known, begun };
    } catch {
      // Not why: that might quote the message.
      this.#parts.log.error({ ...this.#key, message_id: id }, 'a queued message cannot be understood');
      return undefined;
    }
  }

  /** Ends a message that this version of Wharf cannot read: nobody else would, and all that come after it wait. */
  async #giveUp(id: MessageId, begun: boolean): Promise<void> {
    const error = {
      code: 'internal',
      detail: 'What lies in the queue is not a message that this version of Wharf understands.',
    };
    const status = begun ? 'unknown' : 'failed';
    await this.#parts.tellGivenUp(this.#key, id, status, error);
    await this.#finish(id, { ...QUEUED, status, error, ended_at: this.#now() });
  }

  #finish(id: MessageId, state: MessageState): Promise<string | null> {
    const [queue, epochs, ...rest] = this.#of(id);
    return this.#parts.commands.finish(
      queue,
      epochs,
      queueKeys.ended,
      ...rest,
      stateText(state),
      this.#parts.keepsBodies ? 1 : 0,
    );
  }

  /** What the commands of an owner begin with. */
  #of(id: MessageId): [queue: string, epochs: string, workspace: string, epoch: number, message: string] {
    return [this.#queue, queueKeys.epochs, this.#key.workspace, this.#epoch(), id];
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }
}
