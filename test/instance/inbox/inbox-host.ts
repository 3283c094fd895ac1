import { onTestFinished } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import type { EventData, EventType, WharfEvent } from '../../../fleet/events/event.ts';
import { RedisEventLog } from '../../../fleet/events/redis-event-log.ts';
import { RedisInboxMarks } from '../../../fleet/events/redis-inbox-marks.ts';
import type { MessageId } from '../../../fleet/queue/message-ids.ts';
import { RedisChannels } from '../../../fleet/redis-channels.ts';
import { Inbox, type InboxParts } from '../../../instance/inbox/inbox.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';

const DAY = 24 * 3_600_000;

/** Inboxes of one session after another over a Redis of the test's own, and what is in the log. */
export class InboxHost {
  readonly server: PrivateRedis;
  readonly redis: Redis;
  readonly log: RedisEventLog;
  readonly marks: RedisInboxMarks;
  /** Messages of ours. */
  readonly ours = new Set<MessageId>();
  readonly lines: Record<string, unknown>[] = [];

  private constructor(server: PrivateRedis, redis: Redis) {
    this.server = server;
    this.redis = redis;
    this.log = new RedisEventLog(redis, new RedisChannels(redis), 7 * DAY, createLogger('silent', {}));
    this.marks = new RedisInboxMarks(redis);
  }

  /** Ended with the test that runs. */
  static async start(): Promise<InboxHost> {
    const server = await startRedis({ appendonly: true, settings: ['--appendfsync', 'always'] });
    onTestFinished(() => server.close());
    const redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
    onTestFinished(() => redis.disconnect());
    return new InboxHost(server, redis);
  }

  inbox(changes: Partial<InboxParts> = {}): Inbox {
    const inbox = new Inbox({
      instance: 'instance-1',
      incarnation: 'test',
      log: this.log,
      marks: this.marks,
      isOurs: async (_session, message) => this.ours.has(message),
      clock: hostClock,
      logger: createLogger('debug', {}, { write: (line) => this.lines.push(JSON.parse(line)) }),
      random: Math.random,
      ...changes,
    });
    onTestFinished(() => inbox.close(0));
    return inbox;
  }

  /** All events so far. */
  async events(): Promise<WharfEvent[]> {
    const found: WharfEvent[] = [];
    for (let position = '0'; ; ) {
      const page = await this.log.after(position, { workspace: '7' }, 200);
      found.push(...page.events.map(({ event }) => event));
      if (page.atEnd) return found;
      position = page.next;
    }
  }

  /** What the events of one type carry. */
  async of<Type extends EventType>(type: Type): Promise<EventData<Type>[]> {
    const events = await this.events();
    return events.filter((event) => event.type === type).map(({ data }) => data as EventData<Type>);
  }

  /** Waits until there are so many events of a type, and tells what they carry. */
  async has<Type extends EventType>(type: Type, count: number): Promise<EventData<Type>[]> {
    try {
      return await eventually(async () => {
        const found = await this.of(type).catch(() => []);
        return found.length >= count && found;
      });
    } catch (error) {
      const types = (await this.events()).map((event) => event.type).join(', ');
      throw new Error(`there is no ${count} of ${type}; there is: ${types}`, { cause: error });
    }
  }

  async texts(): Promise<(string | null)[]> {
    return (await this.of('message.received')).map(({ text }) => text);
  }

  /** Waits until the histories have been told so many times. */
  async isLive(times = 1): Promise<void> {
    await eventually(async () => (await this.marks.read({ workspace: '7', session: 'main' }))?.liveUntil);
    await eventually(() => this.lines.filter(({ msg }) => msg === 'its histories are told').length >= times);
  }
}
