import type { DeviceFrame, ServerFrame } from '../../protocol/frames.ts';
import type { Query } from '../../protocol/queries.ts';

export interface LinkHandlers {
  opened(): void;
  /** It will be tried again, unless `stop` was called. `failures`: how many tries in a row did not open. */
  closed(failures: number): void;
  received(frame: ServerFrame): void;
}

interface PendingQuery {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 15_000;

/**
 * The WebSocket to the server: frames, queries with answers, and reconnecting with growing pauses (200 ms doubled
 * up to 15 s). What is connected for is not its business.
 */
export class Link {
  readonly #url: string;
  readonly #handlers: LinkHandlers;
  readonly #queries = new Map<number, PendingQuery>();
  #socket: WebSocket | undefined;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #lastQueryId = 0;

  constructor(url: string, handlers: LinkHandlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connects anew, ending the connection there is without a word to the handlers. */
  connect(): void {
    this.stop();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#handlers.opened();
    };
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = () => this.#lost(socket);
  }

  /** Ends the connection and does not try again. */
  stop(): void {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#failQueries('the connection was closed');
  }

  /** Ends the connection, and connects again after a pause. */
  connectLater(pauseMs: number): void {
    this.stop();
    this.#retry = setTimeout(() => this.connect(), pauseMs);
  }

  /** False where there is no open connection: the frame is gone. */
  send(frame: DeviceFrame): boolean {
    if (!this.isOpen || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** @throws Error when the server refuses, or the connection ends before it answers. */
  query<T>(query: Query): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#lastQueryId += 1;
      const queryId = this.#lastQueryId;
      this.#queries.set(queryId, { resolve: resolve as (result: unknown) => void, reject });
      if (!this.send({ type: 'query', queryId, query })) this.#failQueries('there is no connection');
    });
  }

  #receive(data: string): void {
    const frame = JSON.parse(data) as ServerFrame;
    if (frame.type !== 'answer') {
      this.#handlers.received(frame);
      return;
    }
    const pending = this.#queries.get(frame.queryId);
    this.#queries.delete(frame.queryId);
    if (frame.ok) pending?.resolve(frame.result);
    else pending?.reject(new ServerStatusCodeError(frame.reason));
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#failQueries('the connection was lost');
    const pause = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.connect(), pause);
    this.#handlers.closed(this.#failures);
  }

  #failQueries(reason: string): void {
    const queries = [...this.#queries.values()];
    this.#queries.clear();
    for (const { reject } of queries) reject(new Error(reason));
  }
}

/** The library knows a refusal of the server by this name. */
export class ServerStatusCodeError extends Error {
  override readonly name = 'ServerStatusCodeError';
}
