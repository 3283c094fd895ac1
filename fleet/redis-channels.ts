import type { Redis } from '../common/redis.ts';

interface Listener {
  onMessage: (text: string) => void;
  onGap: () => void;
}

/** A connection that only listens notices that its other end is gone when it is asked something from time to time, milliseconds. */
const PING_EVERY = 15_000;

/** Listens to any number of channels over one connection, which is made with the first of them and made again after every loss. */
export class RedisChannels {
  readonly #redis: Redis;
  readonly #listeners = new Map<string, Set<Listener>>();
  #subscriber: Redis | undefined;
  #pings: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param redis how to connect; it is not used itself */
  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Listens to a channel.
   *
   * @param onGap messages may have been missed until now; told when the channel is subscribed, first and after every loss, so that what is read then misses nothing
   * @returns ends it
   */
  listen(channel: string, onMessage: (text: string) => void, onGap: () => void): () => void {
    const listener = { onMessage, onGap };
    const known = this.#listeners.get(channel);
    if (known) known.add(listener);
    else this.#listeners.set(channel, new Set([listener]));
    this.#subscribe([channel], [listener]);
    return () => {
      const left = this.#listeners.get(channel);
      if (!left?.delete(listener) || left.size > 0) return;
      this.#listeners.delete(channel);
      if (this.#subscriber?.status === 'ready') this.#subscriber.unsubscribe(channel).catch(() => {});
    };
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pings);
    this.#listeners.clear();
    this.#subscriber?.disconnect();
  }

  #subscribe(channels: string[], listeners: Listener[]): void {
    if (this.#closed) return;
    const subscriber = this.#subscriber ?? this.#connect();
    // While there is no connection nothing is asked: all is subscribed when there is one.
    if (subscriber.status !== 'ready') return;
    subscriber.subscribe(...channels).then(
      () => {
        for (const listener of listeners) listener.onGap();
      },
      () => {},
    );
  }

  #connect(): Redis {
    const subscriber = this.#redis.duplicate({
      lazyConnect: true,
      autoResubscribe: false,
      commandTimeout: undefined,
    });
    this.#subscriber = subscriber;
    subscriber.on('error', () => {});
    subscriber.on('message', (channel: string, text: string) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener.onMessage(text);
    });
    subscriber.on('ready', () => {
      if (this.#listeners.size === 0) return;
      this.#subscribe(
        [...this.#listeners.keys()],
        [...this.#listeners.values()].flatMap((set) => [...set]),
      );
    });
    subscriber.connect().catch(() => {});
    this.#pings = setInterval(() => {
      if (subscriber.status === 'ready') subscriber.ping().catch(() => {});
    }, PING_EVERY).unref();
    return subscriber;
  }
}
