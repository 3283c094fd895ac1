import type { Dispatcher } from 'undici';
import type { z } from 'zod';
import { messageOf, WharfError } from '../../common/errors.ts';
import { Pools } from '../../common/http/pools.ts';
import { fromProblem, problemSchema } from '../../common/problem.ts';
import { ADOPT_HEADER, INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';

/** Connections to one instance: a few copies, each with the pieces that are fetched. */
const CONNECTIONS = 64;
/** Milliseconds without a byte after which an answer has broken off. */
const SILENCE = 60_000;

/** A request to an instance. */
export interface InstanceCall {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: object;
  /** Milliseconds until its answer begins. */
  patience: number;
  /** Lets it claim a workspace that nobody owned. */
  adopts?: boolean;
  signal?: AbortSignal;
}

/** Calls instances by HTTP, with the fleet's internal token. */
export class InstanceCalls {
  readonly #token: string;
  readonly #pools = new Pools(CONNECTIONS);

  constructor(token: string) {
    this.#token = token;
  }

  /**
   * Calls an instance and reads its answer whole.
   *
   * @throws WharfError what the instance answers; `instance_unavailable` where it can't be reached or answers what is not as agreed
   */
  async ask<T>(url: string, call: InstanceCall, schema: z.ZodType<T>): Promise<T> {
    const answer = await this.#send(url, call);
    const parsed = schema.safeParse(await readJson(answer, url));
    if (parsed.success) return parsed.data;
    throw disagreed(url, answer, parsed.error);
  }

  /** The same for an answer that is a stream of bytes. */
  async open(url: string, call: InstanceCall): Promise<Dispatcher.ResponseData['body']> {
    return (await this.#send(url, call)).body;
  }

  /** Forgets connections to instances that are elsewhere now; calls under way end as they would. */
  keepOnly(urls: ReadonlySet<string>): void {
    this.#pools.keepOnly(urls);
  }

  async close(): Promise<void> {
    await this.#pools.close();
  }

  async #send(url: string, call: InstanceCall): Promise<Dispatcher.ResponseData> {
    const { method, path, body, patience, adopts, signal } = call;
    let answer: Dispatcher.ResponseData;
    try {
      answer = await this.#pools.get(url).request({
        method,
        path,
        headers: {
          [INTERNAL_TOKEN_HEADER]: this.#token,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(adopts ? { [ADOPT_HEADER]: 'first' } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
        headersTimeout: patience,
        bodyTimeout: SILENCE,
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(url, cause);
    }
    if (answer.statusCode < 400) return answer;
    const problem = problemSchema.safeParse(await readJson(answer, url));
    throw problem.success ? fromProblem(problem.data) : disagreed(url, answer, problem.error);
  }
}

async function readJson(answer: Dispatcher.ResponseData, url: string): Promise<unknown> {
  try {
    return await answer.body.json();
  } catch (cause) {
    throw disagreed(url, answer, cause);
  }
}

function unreachable(url: string, cause: unknown): WharfError {
  return new WharfError(
    'instance_unavailable',
    `The instance at ${url} does not answer (${messageOf(cause)}).`,
    {
      cause,
    },
  );
}

function disagreed(url: string, { statusCode }: Dispatcher.ResponseData, cause: unknown): WharfError {
  return new WharfError(
    'instance_unavailable',
    `The instance at ${url} answered ${statusCode} with something the backup service does not understand. Do both run one version of Wharf?`,
    { cause },
  );
}
