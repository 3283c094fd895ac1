import type { ServerResponse } from 'node:http';
import type { Clock } from '../../common/clock.ts';
import type { EventFilter, Position } from '../../fleet/events/event-log.ts';
import type { Feed, FramedPage } from './feed.ts';
import { gapFrame, openingFrame, positionFrame } from './frames.ts';

/** Times of streams, milliseconds. */
export interface StreamTimes {
  /** Between two signs of life: less than the 30 or 60 seconds after which proxies give up on a silent connection. */
  heartbeat: number;
  /** A reader that takes nothing for so long is let go. */
  patience: number;
  /** What clients are asked to wait before they come again. */
  retry: number;
  /** Before a failed reading of the log is tried again. */
  pause: number;
}

/** Frames are gathered up to so many characters before they are written. */
const GATHERED = 16 * 1024;

/** What a stream is made of. */
export interface StreamParts {
  feed: Feed;
  filter: EventFilter;
  position: Position;
  /** What the client had read up to, where that is not in this log any more. */
  lostAfter: Position | undefined;
  response: ServerResponse;
  clock: Clock;
  times: StreamTimes;
  /** Asked before each stretch and sign of life: false ends the stream, since the key was revoked or the ticket ran out. */
  isAllowed: () => boolean;
  /** Aborted when the client went away, or the router stops. */
  signal: AbortSignal;
  /** Told how many events were written. */
  wrote: (events: number) => void;
}

/** Why a stream ended. */
export type StreamEnd = 'gone' | 'slow' | 'refused';

/**
 * Writes events to one client for as long as it reads them. Nothing piles up for a client that does not: the next stretch is taken from the feed or the log
 * only when the one before is on its way.
 */
export class EventStream {
  readonly #parts: StreamParts;
  #position: Position;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#position = parts.position;
  }

  /** Runs until the client goes, is too slow, or may not read any more; never throws. */
  async run(): Promise<StreamEnd> {
    const { times, signal, isAllowed, lostAfter } = this.#parts;
    const opening = openingFrame(this.#position, times.retry);
    if (!(await this.#write(lostAfter === undefined ? opening : opening + gapFrame(lostAfter))))
      return this.#endOf();
    while (!signal.aborted) {
      if (!isAllowed()) return 'refused';
      const page = await this.#nextPage();
      if (page === undefined) await this.#pause(times.pause);
      else {
        if (!(await this.#show(page))) return this.#endOf();
        if (!page.atEnd || (await this.#more(times.heartbeat))) continue;
      }
      if (signal.aborted) break;
      if (!(await this.#write(positionFrame(this.#position)))) return this.#endOf();
    }
    return 'gone';
  }

  #endOf(): StreamEnd {
    return this.#parts.signal.aborted ? 'gone' : 'slow';
  }

  /** Undefined where the log cannot be read now. */
  async #nextPage(): Promise<FramedPage | undefined> {
    const { feed, filter } = this.#parts;
    try {
      return feed.after(this.#position) ?? (await feed.read(this.#position, filter));
    } catch {
      // The feed meets the same and says so once for all streams.
      return undefined;
    }
  }

  async #show({ events, next, gap }: FramedPage): Promise<boolean> {
    const { filter, wrote } = this.#parts;
    let text = gap ? gapFrame(this.#position) : '';
    let count = 0;
    for (const { logged, frame } of events) {
      if (!passes(logged.event, filter)) continue;
      text += frame;
      count += 1;
      if (text.length < GATHERED) continue;
      if (!(await this.#write(text))) return false;
      text = '';
    }
    if (text !== '' && !(await this.#write(text))) return false;
    if (count > 0) wrote(count);
    this.#position = next;
    return true;
  }

  /** Waits until there is more than was read, but no longer than a time; whether there is. */
  async #more(longest: number): Promise<boolean> {
    const { feed, signal } = this.#parts;
    const known = feed.after(this.#position);
    if (known === undefined || known.events.length > 0) return true;
    let more = false;
    let wake = () => {};
    const takeBack = feed.onMore(() => {
      more = true;
      wake();
    });
    await this.#pause(longest, (end) => {
      wake = end;
    });
    takeBack();
    return more && !signal.aborted;
  }

  /** Waits so long at most: until `ender` calls what it is given, or the stream is to end. */
  async #pause(longest: number, ender: (end: () => void) => void = () => {}): Promise<void> {
    const { clock, signal } = this.#parts;
    const waiting = new AbortController();
    const end = () => waiting.abort();
    ender(end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    await clock.sleep(longest, waiting.signal).catch(() => {});
    signal.removeEventListener('abort', end);
  }

  /** False where the client went away or did not read in time. */
  async #write(text: string): Promise<boolean> {
    const { response, times, signal } = this.#parts;
    if (signal.aborted || response.destroyed) return false;
    if (response.write(text)) return true;
    let drained = false;
    let wake = () => {};
    const onDrain = () => {
      drained = true;
      wake();
    };
    response.once('drain', onDrain);
    await this.#pause(times.patience, (end) => {
      wake = end;
    });
    response.off('drain', onDrain);
    return drained;
  }
}

function passes(
  event: { type: string; session_id: string | null },
  { session, types }: EventFilter,
): boolean {
  if (session !== undefined && event.session_id !== session) return false;
  return types === undefined || types.some((type) => type === event.type);
}
