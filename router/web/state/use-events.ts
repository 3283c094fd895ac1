import { useCallback, useEffect, useState } from 'preact/hooks';
import { SseParser } from '../../../fleet/events/sse-parser.ts';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/transport.ts';
import type { LiveEvent } from '../api/types.ts';

/** Events that are kept to be shown. */
const KEPT = 200;

/** Milliseconds between two drawings: events may come by the thousand. */
const DRAW = 250;

/** Between two tries, milliseconds, doubled with each that fails. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

/** The latest events. */
export interface Events {
  /** The latest first. */
  events: readonly LiveEvent[];
  connected: boolean;
  /** Why this key gets none; null where it does. */
  refused: string | null;
}

/** Which events are followed. */
interface Wanted {
  /** Of one workspace; empty: of all that the key may see. */
  workspace: string;
  isWanted: (event: LiveEvent) => boolean;
  paused: boolean;
}

/**
 * Follows the events while the page can be seen, by a streaming fetch: `EventSource` could not send the API key, and an address with a key in it ends up in
 * logs. After a loss, and when the page comes into view again, it goes on where it was. Give a stable `isWanted` (useCallback).
 */
export function useEvents(
  api: ApiClient,
  { workspace, isWanted, paused }: Wanted,
): Events & { clear: () => void } {
  const [events, setEvents] = useState<readonly LiveEvent[]>([]);
  const [connected, setConnected] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  useEffect(() => {
    if (paused) return undefined;
    setRefused(null);
    const follower = new Follower(api, workspace, isWanted, (fresh) =>
      setEvents((known) => [...fresh.reverse(), ...known].slice(0, KEPT)),
    );
    follower.onConnected = setConnected;
    follower.onRefused = setRefused;
    const look = () => (document.hidden ? follower.rest() : follower.go());
    document.addEventListener('visibilitychange', look);
    look();
    return () => {
      document.removeEventListener('visibilitychange', look);
      follower.rest();
    };
  }, [api, workspace, isWanted, paused]);
  // What is shown is of other events than those wanted now.
  useEffect(() => setEvents((known) => known.filter(isWanted)), [isWanted]);
  useEffect(() => setEvents([]), [workspace]);
  const clear = useCallback(() => setEvents([]), []);
  return { events, connected, refused, clear };
}

class Follower {
  onConnected: (connected: boolean) => void = () => undefined;
  onRefused: (why: string) => void = () => undefined;
  readonly #api: ApiClient;
  readonly #workspace: string;
  readonly #isWanted: (event: LiveEvent) => boolean;
  readonly #show: (events: LiveEvent[]) => void;
  #lastEventId = '';
  #running: AbortController | undefined;
  #fresh: LiveEvent[] = [];

  constructor(
    api: ApiClient,
    workspace: string,
    isWanted: (event: LiveEvent) => boolean,
    show: (events: LiveEvent[]) => void,
  ) {
    this.#api = api;
    this.#workspace = workspace;
    this.#isWanted = isWanted;
    this.#show = show;
  }

  go(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  rest(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.onConnected(false);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const drawing = setInterval(() => this.#draw(), DRAW);
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      try {
        const stream = await this.#api.follow(this.#workspace, this.#lastEventId, signal);
        if (signal.aborted) break;
        this.onConnected(true);
        pause = FIRST_PAUSE;
        await this.#read(stream);
      } catch (error) {
        if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
          this.onRefused(error.message);
          break;
        }
      }
      if (signal.aborted) break;
      this.onConnected(false);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
    clearInterval(drawing);
    this.#draw();
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const parser = new SseParser(this.#lastEventId);
    const decoder = new TextDecoder();
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const { type, data } of parser.push(decoder.decode(value, { stream: true }))) {
        if (type === 'gap') continue;
        const event = JSON.parse(data) as LiveEvent;
        if (this.#isWanted(event)) this.#fresh.push(event);
      }
      // Beyond what is shown nothing is kept, however much comes between two drawings.
      if (this.#fresh.length > KEPT) this.#fresh = this.#fresh.slice(-KEPT);
      this.#lastEventId = parser.lastEventId;
    }
  }

  #draw(): void {
    if (this.#fresh.length === 0) return;
    this.#show(this.#fresh);
    this.#fresh = [];
  }
}
