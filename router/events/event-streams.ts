import type { ServerResponse } from 'node:http';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { EventFilter, EventLog, Position } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { Feed } from './feed.ts';
import { WAITING_FRAME } from './frames.ts';
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
  /** Feeds that will look again: each look that fails would else begin a row of its own. */
  readonly #pausing = new WeakSet<Feed>();
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
   * Answers with a stream, and resolves when it has ended. `EventSource` never comes back after any answer but 200: so a stream is also begun while the log
   * is away, and a router that stops answers with a broken connection.
   *
   * @param response nothing of it was written yet
   * @param client aborted when the client goes away
   */
  async serve(response: ServerResponse, wanted: Subscription, client: AbortSignal): Promise<void> {
    if (this.#stopping.signal.aborted) {
      response.destroy();
      return;
    }
    const ending = new AbortController();
    const stop = () => ending.abort();
    client.addEventListener('abort', stop, { once: true });
    this.#ending.add(ending);
    if (client.aborted) stop();
    this.#counts.opened += 1;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      // nginx gathers answers unless told not to.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    const running = this.#run(response, wanted, ending.signal);
    this.#running.add(running);
    const outcome = await running;
    this.#running.delete(running);
    client.removeEventListener('abort', stop);
    this.#ending.delete(ending);
    if (outcome !== 'gone') this.#counts[outcome] += 1;
    // What is buffered for a slow one would never be read.
    if (outcome === 'slow') response.destroy();
    else response.end();
  }

  /** Ends all streams, so that their clients go to another router. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const ending of this.#ending) ending.abort();
    await Promise.all(this.#running);
    for (const { feed } of this.#feeds.values()) feed.stop();
    this.#feeds.clear();
  }

  async #run(
    response: ServerResponse,
    { filter, after, isAllowed }: Subscription,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    const end = await this.#endOfLog(response, isAllowed, signal);
    if (end === undefined) return isAllowed() ? 'gone' : 'refused';
    // A position beyond the end is of a log that was lost since: nobody can say what was between.
    const lost = after !== undefined && isAfter(after, end);
    const workspace = filter.workspace ?? null;
    const stream = new EventStream({
      feed: this.#join(workspace, end),
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
    const outcome = await stream.run();
    this.#leave(workspace);
    return outcome;
  }

  /** Where the log ends, however long it is away; undefined where the stream is to end before. */
  async #endOfLog(
    response: ServerResponse,
    isAllowed: () => boolean,
    signal: AbortSignal,
  ): Promise<Position | undefined> {
    while (!signal.aborted && isAllowed()) {
      try {
        const end = await this.#log.end();
        return signal.aborted ? undefined : end;
      } catch (error) {
        this.#failed(error);
      }
      response.write(WAITING_FRAME);
      await this.#clock.sleep(this.#times.pause, signal).catch(() => {});
    }
    return undefined;
  }

  #join(workspace: WorkspaceId | null, end: Position): Feed {
    let held = this.#feeds.get(workspace);
    if (!held) {
      const feed: Feed = new Feed(this.#log, workspace, end, {
        failed: (error) => {
          this.#failed(error);
          this.#lookAgain(feed);
        },
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

  #failed(error: unknown): void {
    if (!this.#fails)
      this.#logger.warn({ reason: messageOf(error) }, 'the event log cannot be read; streams wait for it');
    this.#fails = true;
  }

  #lookAgain(feed: Feed): void {
    if (this.#pausing.has(feed)) return;
    this.#pausing.add(feed);
    const again = this.#clock.sleep(this.#times.pause, this.#stopping.signal);
    again.then(
      () => {
        this.#pausing.delete(feed);
        feed.look();
      },
      () => {},
    );
  }

  #read(): void {
    if (this.#fails) this.#logger.info('the event log can be read again');
    this.#fails = false;
  }
}
