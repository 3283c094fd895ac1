import { z } from 'zod';
import { messageOf, systemCode } from '../common/errors.ts';
import { CommandFailure, EXIT_FAILED, EXIT_WRONG_USE } from './failure.ts';
import type { Target } from './target.ts';

/** What is asked of the router. */
export interface RouterRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Undefined values are left out. */
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** Beside those every request has. */
  headers?: Record<string, string>;
  /** Milliseconds until the whole answer must be here. */
  patience?: number;
}

/** Milliseconds for an answer where a request does not say otherwise: longer than the router holds one while a workspace is moved. */
const DEFAULT_PATIENCE = 45_000;

/** What to do on the command line, where the router's own words are for who speaks HTTP with it. */
const ON_THE_COMMAND_LINE: Readonly<Record<string, string>> = {
  ambiguous_session: '--workspace ID.',
  backup_busy: '"wharf backup operations" shows what runs.',
  backup_damaged:
    '"wharf backup verify --all" names all that is damaged; "wharf restore --at" takes another time.',
  restore_refused: '"wharf restore ... --dry-run" says why; --force restores it all the same.',
  session_not_found: '"wharf sessions list", or "wharf sessions create".',
  unauthorized: '--key, or WHARF_API_KEY.',
  webhook_not_found: '"wharf webhooks set WORKSPACE URL".',
};

/** What a command needs of an error answer; anything more is left aside, so that a newer router's answers are understood. */
const problemSchema = z.object({ detail: z.string(), code: z.string(), request_id: z.string().optional() });

/** Speaks to a router for the commands. */
export class RouterClient {
  readonly #target: Target;
  readonly #signal: AbortSignal;

  /** @param signal aborted when the command is told to stop */
  constructor(target: Target, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  /** The router's address. */
  get url(): string {
    return this.#target.url;
  }

  /**
   * Asks, and checks the answer.
   *
   * @throws CommandFailure with the router's code and detail, or `unreachable`, `timeout`, `not_wharf`
   */
  async ask<Schema extends z.ZodType>(schema: Schema, request: RouterRequest): Promise<z.infer<Schema>> {
    const response = await this.#send(request);
    const text = await response.text().catch((error: unknown) => Promise.reject(this.#unreachable(error)));
    const value = parseJson(text);
    if (!response.ok) throw this.#refused(response.status, value);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#notWharf(`${request.method} ${request.path} gave an answer this command does not understand`);
  }

  /**
   * Opens a stream of events and gives its text as it comes, until the router ends it.
   *
   * @param silence milliseconds without a word after which the connection is taken for dead; the router sends signs of life
   * @throws CommandFailure as {@link ask} does; `unreachable` also where the connection breaks
   */
  async *follow(request: RouterRequest & { lastEventId: string }, silence: number): AsyncGenerator<string> {
    const watch = new AbortController();
    let timer = setTimeout(() => watch.abort(), silence);
    try {
      const response = await this.#fetch(request, watch.signal, {
        accept: 'text/event-stream',
        ...(request.lastEventId === '' ? {} : { 'last-event-id': request.lastEventId }),
      });
      if (!response.ok) throw this.#refused(response.status, parseJson(await response.text()));
      const decoder = new TextDecoder();
      for await (const piece of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => watch.abort(), silence);
        yield decoder.decode(piece, { stream: true });
      }
    } catch (error) {
      throw error instanceof CommandFailure ? error : this.#unreachable(error);
    } finally {
      clearTimeout(timer);
      watch.abort();
    }
  }

  /**
   * Opens an answer of bytes and gives it piece by piece.
   *
   * @param silence milliseconds between two pieces after which the connection is taken for dead; until the first one `patience` holds
   * @throws CommandFailure as {@link ask} does; `broken_off` where the answer ended before it was whole
   */
  async *download(request: RouterRequest, silence: number): AsyncGenerator<Uint8Array> {
    const watch = new AbortController();
    const tooLate = () => watch.abort(new DOMException('no answer in time', 'TimeoutError'));
    let timer = setTimeout(tooLate, request.patience ?? DEFAULT_PATIENCE);
    const response = await this.#fetch(request, watch.signal, { accept: '*/*' }).catch((error: unknown) => {
      clearTimeout(timer);
      throw error;
    });
    try {
      if (!response.ok) throw this.#refused(response.status, parseJson(await response.text()));
      for await (const piece of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => watch.abort(), silence);
        yield piece;
      }
    } catch (error) {
      if (error instanceof CommandFailure) throw error;
      if (this.#signal.aborted) throw new CommandFailure('Stopped.', { code: 'stopped', cause: error });
      throw new CommandFailure(
        'The answer broke off before it was whole. The log of the backup service says why.',
        {
          code: 'broken_off',
          cause: error,
        },
      );
    } finally {
      clearTimeout(timer);
      watch.abort();
    }
  }

  #send(request: RouterRequest): Promise<Response> {
    const patience = AbortSignal.timeout(request.patience ?? DEFAULT_PATIENCE);
    return this.#fetch(request, patience, { accept: 'application/json' });
  }

  async #fetch(
    request: RouterRequest,
    patience: AbortSignal,
    headers: Record<string, string>,
  ): Promise<Response> {
    const url = new URL(this.#target.url + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    try {
      return await fetch(url, {
        method: request.method,
        headers: {
          authorization: `Bearer ${this.#target.key}`,
          ...headers,
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...request.headers,
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        redirect: 'error',
        signal: AbortSignal.any([patience, this.#signal]),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): CommandFailure {
    if (this.#signal.aborted) return new CommandFailure('Stopped.', { code: 'stopped', cause: error });
    const { url, from } = this.#target;
    if (error instanceof Error && error.name === 'TimeoutError') {
      return new CommandFailure(`${url} did not answer in time.`, { code: 'timeout', cause: error });
    }
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const reason = systemCode(cause) ?? messageOf(cause);
    const next = from.endsWith('.json')
      ? `The address is from ${from}: that fleet has ended, or is just starting. Start it with "npm start".`
      : `The address is from ${from}. Is the router running, and is this its address?`;
    return new CommandFailure(`Nothing answers at ${url} (${reason}). ${next}`, {
      code: 'unreachable',
      cause: error,
    });
  }

  #refused(status: number, value: unknown): CommandFailure {
    const problem = problemSchema.safeParse(value);
    if (!problem.success) return this.#notWharf(`It answered ${status}, and not as a router of Wharf does`);
    const { detail, code, request_id: requestId } = problem.data;
    const here = ON_THE_COMMAND_LINE[code];
    return new CommandFailure(here === undefined ? detail : `${detail}\nOn the command line: ${here}`, {
      code,
      exitCode: code === 'invalid_request' ? EXIT_WRONG_USE : EXIT_FAILED,
      ...(requestId === undefined ? {} : { requestId }),
    });
  }

  #notWharf(what: string): CommandFailure {
    return new CommandFailure(
      `${what}. Is ${this.#target.url} (from ${this.#target.from}) the router, of this version?`,
      {
        code: 'not_wharf',
      },
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
