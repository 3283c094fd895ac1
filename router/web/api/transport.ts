/** What the router answered instead of doing as it was asked. The message is its `detail`, made for people. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  /** The request's id in the logs. */
  readonly requestId: string | undefined;

  constructor(message: string, code: string, status: number, requestId?: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }

  /** Nothing came back: the router, or the way to it, is away. */
  get isUnreachable(): boolean {
    return this.code === UNREACHABLE;
  }
}

const UNREACHABLE = 'unreachable';

/** What goes with a request. */
interface AskOptions {
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Requests to the router this page came from, with an API key. */
export class Transport {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** @throws ApiError, or what aborted the signal */
  async ask<T>(method: string, where: string, options: AskOptions = {}): Promise<T> {
    const query = new URLSearchParams(options.query).toString();
    const response = await fetch(query === '' ? where : `${where}?${query}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      body: options.body === undefined ? null : JSON.stringify(options.body),
      cache: 'no-store',
      ...(options.signal ? { signal: options.signal } : {}),
    }).catch((error: unknown) => {
      if (options.signal?.aborted) throw error;
      throw new ApiError(
        'The router does not answer. It may be restarting, or the network is away.',
        UNREACHABLE,
        0,
      );
    });
    const value: unknown = await response.json().catch(() => undefined);
    if (response.ok) return value as T;
    throw refusal(response.status, value);
  }

  /**
   * Opens a stream of events.
   *
   * @throws ApiError, or what aborted the signal
   */
  async follow(
    where: string,
    query: Record<string, string>,
    lastEventId: string,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const headers = {
      authorization: `Bearer ${this.#key}`,
      accept: 'text/event-stream',
      ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
    };
    const words = new URLSearchParams(query).toString();
    const response = await fetch(words === '' ? where : `${where}?${words}`, {
      headers,
      cache: 'no-store',
      signal,
    });
    if (response.ok && response.body !== null) return response.body;
    throw refusal(response.status, await response.json().catch(() => undefined));
  }
}

function refusal(status: number, value: unknown): ApiError {
  const problem = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const text = (field: string) => (typeof problem[field] === 'string' ? problem[field] : undefined);
  return new ApiError(
    text('detail') ?? `The router answered with status ${status}, and without saying why.`,
    text('code') ?? 'unknown',
    status,
    text('request_id'),
  );
}
