import { createLogger } from '../../common/logger.ts';
import { parseRedisUrl } from '../../common/redis.ts';
import { type MessagingConfig, messagingConfig } from '../../fleet/messaging-config.ts';
import { newMessageId } from '../../fleet/queue/message-ids.ts';
import type { MessageQueues } from '../../fleet/queue/message-queues.ts';
import { openMessageQueues, openQueueConnections } from '../../fleet/queue/open-queues.ts';
import type { AcceptedMessage, MessageView } from '../../fleet/queue/outgoing.ts';
import { eventually } from './eventually.ts';

const WEEK = 7 * 24 * 3_600_000;

/** How queues and events are kept where a test does not say. */
export function testMessaging(redisUrl: string): MessagingConfig {
  return messagingConfig(
    {
      QUEUE_DURABILITY: 'file',
      QUEUE_MAX_DEPTH: 50_000,
      QUEUE_RETENTION_HOURS: WEEK,
      EVENT_RETENTION_HOURS: WEEK,
      MEDIA_RETENTION_HOURS: WEEK,
      MEDIA_S3_PREFIX: '',
    },
    parseRedisUrl(redisUrl),
  );
}

/** A message that a test hands in: to be sent to somebody by a session of a workspace. */
export type TestMessage = Pick<AcceptedMessage, 'workspace_id' | 'session_id' | 'message'> &
  Partial<AcceptedMessage>;

/** The message as a router hands it to the queue. */
export function testMessage(message: TestMessage): AcceptedMessage {
  return {
    message_id: newMessageId({ workspace: message.workspace_id, session: message.session_id }),
    priority: 'normal',
    on_unknown: 'report',
    accepted_at: new Date().toISOString(),
    send_at: null,
    waiter: null,
    ...message,
  };
}

/** A router's side of the queues, for tests that have no router. */
export class TestQueues {
  readonly queues: MessageQueues;
  readonly close: () => Promise<void>;

  private constructor(queues: MessageQueues, close: () => Promise<void>) {
    this.queues = queues;
    this.close = close;
  }

  static async open(redisUrl: string): Promise<TestQueues> {
    const log = createLogger('silent', {});
    const config = testMessaging(redisUrl);
    const connections = openQueueConnections(config, log);
    const { queues, close } = await openMessageQueues(connections, config, log);
    return new TestQueues(queues, async () => {
      await close();
      connections.close();
    });
  }

  /** Hands messages in, in order; their ids. Throws where one is not queued. */
  async accept(...messages: TestMessage[]): Promise<string[]> {
    const all = messages.map(testMessage);
    const accepted = await this.queues.accept(all);
    const refused = accepted.find(({ kind }) => kind !== 'queued');
    if (refused) throw new Error(`not queued: ${JSON.stringify(refused)}`);
    return all.map(({ message_id }) => message_id);
  }

  /** What became of messages, once all have ended; undefined where one has not. */
  async endsOf(ids: readonly string[]): Promise<MessageView[] | undefined> {
    const views = await Promise.all(ids.map((id) => this.queues.find(id).catch(() => undefined)));
    const over = views.every((view) => view && view.status !== 'queued' && view.status !== 'sending');
    return over ? (views as MessageView[]) : undefined;
  }

  /** Waits until messages have ended. */
  async ended(ids: readonly string[], timeoutMs = 120_000): Promise<MessageView[]> {
    return await eventually(() => this.endsOf(ids), timeoutMs);
  }
}
