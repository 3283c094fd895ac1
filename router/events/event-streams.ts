import type { ServerResponse } from 'node:http';
import type { Clock } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { EventFilter, EventLog, Position } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { Feed } from './feed.ts';
import { isAfter } from './positions.ts';
import { EventStream, type StreamEnd, type StreamTimes } from './stream.ts';

/** Heartbeats below the 30 s after which the most impatient proxies close; the rest follows from that. */
const STREAM_TIMES: StreamTimes = { heartbeat: 15_000, patience: 30_000, retry: 2000, pause: 2000 };

/** A ring may be lost: every feed looks so often, milliseconds. */
const SWEEP = 10_000;

/** What somebody wants to read. */
export interface Subscription {
  filter: EventFilter;
  /** Where to go on; undefined: from now on. */
  after: Position | undefined;
  isAllowed: () => boolean;
}

/** What the streams have done so far, for metrics. */
export interface StreamCounts {
  open: number;
  feeds: number;
  opened: number;
  events: number;
  /** Ended since the client did not read, or might not any more. */
  slow: number;
  refused: number;
}

/**
 * All streams of this router. There is one feed for each workspace that somebody follows, and one for those who follow all: a thousand clients of a
 * workspace cost its log one reading of each event.
 */
export class EventStreams {
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #times: StreamTimes;
  readonly #feeds = new Map<WorkspaceId | null, { feed: Feed; streams: number }>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #ending = new Set<AbortController>();
  #fails = false;
  readonly #counts = { opened: 0, events: 0, slow: 0, refused: 0 };

  constructor(log: EventLog, clock: Clock, logger: Logger, times: StreamTimes = STREAM_TIMES) {
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
    this.#times = times;
    void this.#sweep();
  }

  get counts(): StreamCounts {
    return { ...this.#counts, open: this.#running.size, feeds: this.#feeds.size };
  }

  /**
   * Answers with a stream, and resolves when it has ended.
   *
   * @param response nothing of it was written yet
   * @param client aborted when the client goes away
   * @throws WharfError `queue_unavailable`, `shutting_down`, before anything was written
   */
  async serve(response: ServerResponse, wanted: Subscription, client: AbortSignal): Promise<void> {
    if (this.#stopping.signal.aborted)
      throw new WharfError('shutting_down', 'This router is stopping. Connect again: another one answers.');
    const end = await this.#log.end();
    const { filter } = wanted;
    const workspace = filter.workspace ?? null;
    const ending = new AbortController();
    const stop = () => ending.abort();
    client.addEventListener('abort', stop, { once: true });
    this.#ending.add(ending);
    if (client.aborted || this.#stopping.signal.aborted) stop();
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      // nginx gathers answers unless told not to.
      'X-Accel-Buffering': 'no',
    });
    const running = this.#run(response, wanted, this.#join(workspace, end), end, ending.signal);
    this.#running.add(running);
    const outcome = await running;
    this.#running.delete(running);
    this.#leave(workspace);
    client.removeEventListener('abort', stop);
    this.#ending.delete(ending);
    if (outcome === 'gone') response.end();
    else {
      this.#counts[outcome] += 1;
      // What is buffered would never be read.
      if (outcome === 'slow') response.destroy();
      else response.end();
    }
  }

  /** Ends all streams, so that their clients go to another router. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const ending of this.#ending) ending.abort();
    await Promise.all(this.#running);
    for (const { feed } of this.#feeds.values()) feed.stop();
    this.#feeds.clear();
  }

  #run(
    response: ServerResponse,
    { filter, after, isAllowed }: Subscription,
    feed: Feed,
    end: Position,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    this.#counts.opened += 1;
    // A position beyond the end is of a log that was lost since: nobody can say what was between.
    const lost = after !== undefined && isAfter(after, end);
    const stream = new EventStream({
      feed,
      filter,
      position: after === undefined || lost ? end : after,
      lostAfter: lost ? after : undefined,
      response,
      clock: this.#clock,
      times: this.#times,
      isAllowed,
      signal,
      wrote: (events) => {
        this.#counts.events += events;
      },
    });
    return stream.run();
  }

  #join(workspace: WorkspaceId | null, end: Position): Feed {
    let held = this.#feeds.get(workspace);
    if (!held) {
      const feed: Feed = new Feed(this.#log, workspace, end, {
        failed: (error) => this.#failed(feed, error),
        read: () => this.#read(),
      });
      held = { feed, streams: 0 };
      this.#feeds.set(workspace, held);
    }
    held.streams += 1;
    return held.feed;
  }

  #leave(workspace: WorkspaceId | null): void {
    const held = this.#feeds.get(workspace);
    if (!held) return;
    held.streams -= 1;
    if (held.streams > 0) return;
    held.feed.stop();
    this.#feeds.delete(workspace);
  }

  /** All feeds look from time to time. */
  async #sweep(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#clock.sleep(SWEEP, signal).catch(() => {});
      if (signal.aborted) return;
      for (const { feed } of this.#feeds.values()) feed.look();
    }
  }

  #failed(feed: Feed, error: unknown): void {
    if (!this.#fails)
      this.#logger.warn({ reason: messageOf(error) }, 'the event log cannot be read; streams wait for it');
    this.#fails = true;
    const again = this.#clock.sleep(this.#times.pause, this.#stopping.signal);
    again.then(
      () => feed.look(),
      () => {},
    );
  }

  #read(): void {
    if (this.#fails) this.#logger.info('the event log can be read again');
    this.#fails = false;
  }
}
