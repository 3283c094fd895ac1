import type { Logger } from '../../common/logger.ts';
import type { Redis } from '../../common/redis.ts';
import type { MessageStatus } from '../messages.ts';
import type { QueueDurability } from '../messaging-config.ts';
import type { RedisChannels } from '../redis-channels.ts';
import { accepting } from './accepting.ts';
import type { Batches } from './batches.ts';
import type { Durability } from './durability.ts';
import { type MessageId, type SessionKey, sessionTag, tagOf } from './message-ids.ts';
import type {
  Acceptance,
  Cancellation,
  EndedMessage,
  MessageQueues,
  QueueView,
  Reservation,
  Reserved,
} from './message-queues.ts';
import { QUEUED } from './message-state.ts';
import type { AcceptedMessage, MessageState, MessageView } from './outgoing.ts';
import { queueAnswer } from './queue-answers.ts';
import { isGone, queueKeys, readSessionText, sessionText } from './queue-keys.ts';
import { readViews } from './queue-views.ts';
import { type QueueCommands, queueCommands } from './redis-queue-commands.ts';
import { Replication } from './replication.ts';
import { reserving } from './reserving.ts';
import { readStoredMessage, STORED_FIELDS, stateText } from './stored-message.ts';

/** Messages of a deleted session that are ended in one step. */
const END_AT_ONCE = 200;
/** Sessions by their tags that are kept in mind. */
const KNOWN_TAGS = 20_000;
/** Sessions whose queues are looked at in one step: about 2 ms. */
const VIEWS_AT_ONCE = 100;
/** How long a subscription is waited for, milliseconds. */
const LISTEN_PATIENCE = 1000;

export interface MessageQueuesOptions {
  /** Messages that a session's queue takes. */
  maxDepth: number;
  /** True where bodies are kept for a time after their message's end. */
  keepsBodies: boolean;
  /** Refuses a Redis that may lose what it confirmed. */
  durability?: Pick<Durability, 'require'>;
  /** What keeps an accepted message; `file` where it is not said. */
  promise?: QueueDurability;
}

/** {@link MessageQueues} in Redis: a BullMQ queue for each session, over one connection. See docs/decisions/0012-message-queues.md. */
export class RedisMessageQueues implements MessageQueues {
  readonly #redis: Redis;
  readonly #channels: RedisChannels;
  readonly #commands: QueueCommands;
  readonly #accepting: Batches<AcceptedMessage, Acceptance>;
  readonly #reserving: Batches<Reservation, Reserved>;
  readonly #replication: Replication;
  readonly #keeps: number;
  readonly #durability: Pick<Durability, 'require'> | undefined;
  readonly #tags = new Map<string, SessionKey>();

  constructor(redis: Redis, channels: RedisChannels, options: MessageQueuesOptions, log: Logger) {
    this.#redis = redis;
    this.#channels = channels;
    this.#commands = queueCommands(redis);
    this.#replication = new Replication(redis, log, options.promise);
    this.#accepting = accepting(this.#commands.accept, this.#replication, options.maxDepth);
    this.#reserving = reserving(redis, this.#replication);
    this.#keeps = options.keepsBodies ? 1 : 0;
    this.#durability = options.durability;
  }

  /** Messages that were accepted though no replica confirmed them. */
  get unreplicated(): number {
    return this.#replication.unreplicated;
  }

  async accept(messages: readonly AcceptedMessage[]): Promise<Acceptance[]> {
    this.#durability?.require();
    return await this.#accepting.do(messages);
  }

  reserve(reservations: readonly Reservation[]): Promise<Reserved[]> {
    return this.#reserving.do(reservations);
  }

  async find(message: MessageId): Promise<MessageView | undefined> {
    const session = await this.sessionOf(message);
    if (!session) return undefined;
    const job = queueKeys.queue(session) + message;
    const [envelope, body, state] = await queueAnswer(this.#redis.hmget(job, ...STORED_FIELDS));
    if (typeof envelope !== 'string') return undefined;
    const stored = readStoredMessage(envelope, body ?? null, state ?? null);
    const { waiter: _, traceparent: __, ...shown } = stored.message;
    return { ...shown, ...stored.state };
  }

  async sessionOf(message: MessageId): Promise<SessionKey | undefined> {
    const tag = tagOf(message);
    if (tag === undefined) return undefined;
    const known = this.#tags.get(tag);
    if (known) return known;
    const text = await queueAnswer(this.#redis.hget(queueKeys.sessions, tag));
    const session = text === null ? undefined : readSessionText(text);
    if (session) {
      if (this.#tags.size >= KNOWN_TAGS) this.#tags.clear();
      this.#tags.set(tag, session);
    }
    return session;
  }

  async cancel(message: MessageId): Promise<Cancellation> {
    const session = await this.sessionOf(message);
    if (!session) return 'not_found';
    const state = endedState('failed', 'cancelled', 'The message was cancelled before it was sent.');
    return await this.#replication.confirmed(() =>
      this.#commands.cancel(
        queueKeys.queue(session),
        queueKeys.ended,
        message,
        stateText(state),
        this.#keeps,
      ),
    );
  }

  async views(filter: { workspace?: string; session?: string } = {}): Promise<QueueView[]> {
    const texts = await queueAnswer(this.#sessionsIn(filter));
    const sessions = texts
      .filter((text) => !isGone(text))
      .flatMap((text) => readSessionText(text) ?? [])
      .filter(
        ({ workspace, session }) =>
          (filter.workspace === undefined || filter.workspace === workspace) &&
          (filter.session === undefined || filter.session === session),
      );
    const steps: Promise<QueueView[]>[] = [];
    for (let index = 0; index < sessions.length; index += VIEWS_AT_ONCE)
      steps.push(readViews(this.#commands, sessions.slice(index, index + VIEWS_AT_ONCE)));
    return (await Promise.all(steps)).flat();
  }

  /** The sessions there are; where one is asked for, at most that one. */
  async #sessionsIn({ workspace, session }: { workspace?: string; session?: string }): Promise<string[]> {
    if (workspace === undefined || session === undefined) return await this.#redis.hvals(queueKeys.sessions);
    const text = await this.#redis.hget(queueKeys.sessions, sessionTag({ workspace, session }));
    return text === null ? [] : [text];
  }

  async endAll(
    session: SessionKey,
    code: string,
    detail: string,
    tell: (ended: EndedMessage[]) => Promise<void>,
  ): Promise<number> {
    let total = 0;
    // Told first, ended then: who dies in between leaves messages that are told of again, under the same ids, and no end that nobody heard of.
    for (let told: EndedMessage[] = []; ; ) {
      const [count, otherwise, next] = await this.#commands.endSome(
        queueKeys.queue(session),
        queueKeys.ended,
        queueKeys.sessions,
        queueKeys.pending + session.workspace,
        stateText(endedState('failed', code, detail)),
        stateText(
          endedState('unknown', code, `${detail} It was being sent at that moment, and may have left.`),
        ),
        this.#keeps,
        sessionTag(session),
        sessionText(session),
        sessionText(session, 'gone'),
        END_AT_ONCE,
        session.session,
        ...told.flatMap(({ message, status }) => [message, status]),
      );
      total += count;
      const [changed, following] = [otherwise.map(endedMessage), next.map(endedMessage)];
      if (changed.length + following.length === 0) return total;
      await tell([...changed, ...following]);
      told = following;
    }
  }

  async onEnded(router: string, hear: (message: MessageId) => void): Promise<() => Promise<void>> {
    // It is heard from when this resolves on, where Redis is there; else from when it is.
    return await new Promise((resolve) => {
      const stop = this.#channels.listen(queueKeys.ended + router, hear, () => listening());
      const listening = () => resolve(async () => stop());
      setTimeout(listening, LISTEN_PATIENCE).unref();
    });
  }

  /** Nothing is its own: the connections are closed by whoever opened them. */
  async close(): Promise<void> {}
}

function endedMessage([message, to, status]: [string, string, MessageStatus]): EndedMessage {
  return { message, to: to === '' ? null : to, status };
}

function endedState(status: 'failed' | 'unknown', code: string, detail: string): MessageState {
  return { ...QUEUED, status, error: { code, detail }, ended_at: new Date().toISOString() };
}
