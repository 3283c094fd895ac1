import { isIP } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { isPublicAddress } from '../../common/address-check.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import { dnsResolver, type Resolve } from '../../common/resolver.ts';
import { mediaTooLarge } from '../../fleet/media/media-limits.ts';
import { looksLikePage, saidType, typeFault } from './media-type.ts';

/** How media is fetched from an address. Times in milliseconds. */
export interface UrlMediaOptions {
  /** For a connection, and an answer to begin. */
  begin?: number;
  /** For which a server may stay silent. */
  idle?: number;
  /** For all of it. */
  all?: number;
  /** Whether an address may be called; for tests. */
  mayCall?: (address: string) => boolean;
  /** Finds the addresses of a name; for tests. */
  resolve?: Resolve;
}

/** An answer whose body is still to come. */
export interface UrlAnswer {
  mimetype: string;
  filename: string | null;
  /** What the server announced, in bytes. */
  size: number | null;
  /** The bytes, once; it ends with an error where the server breaks off, is too slow, or sends a page in place of a picture. */
  body(limit: number): AsyncIterable<Buffer>;
  /** Gives it up. */
  abandon(): void;
}

const REDIRECTS = 3;

/** Fetches media from public addresses alone. */
export class UrlMedia {
  readonly #agent: Agent;
  readonly #begin: number;
  readonly #all: number;
  readonly #mayCall: (address: string) => boolean;

  constructor(options: UrlMediaOptions = {}) {
    this.#begin = options.begin ?? 15_000;
    this.#all = options.all ?? 60_000;
    this.#mayCall = options.mayCall ?? isPublicAddress;
    const resolve = options.resolve ?? dnsResolver();
    this.#agent = new Agent({
      connections: 16,
      bodyTimeout: options.idle ?? 15_000,
      connect: {
        timeout: this.#begin,
        // The address is checked where it is used, so that a name that resolves to another one a moment later gains nothing.
        lookup: (hostname, options, callback) => {
          resolve(hostname).then(
            (addresses) => {
              const refused = addresses.find(({ address }) => !this.#mayCall(address));
              if (refused || addresses.length === 0) return callback(privateAddress(hostname), '', 0);
              const [first] = addresses;
              if (options.all) return callback(null, addresses);
              return callback(null, first?.address ?? '', first?.family ?? 0);
            },
            (error: Error) => callback(error, '', 0),
          );
        },
      },
    });
  }

  /**
   * Asks for what is at an address.
   *
   * @param wanted the type its sender says it has
   * @throws WharfError `media_refused` (an address that is not public, too many redirects, no type or a wrong one), `media_unreachable`
   */
  async open(address: string, wanted: string | undefined): Promise<UrlAnswer> {
    const deadline = new Deadline(this.#begin);
    try {
      const answer = await this.#ask(address, deadline);
      const said = saidType(answer.headers['content-type']);
      const fault = typeFault(wanted, said, shown(address));
      const mimetype = wanted ?? said;
      if (fault !== null || mimetype === null) {
        drop(answer);
        throw fault;
      }
      deadline.set(this.#all);
      const length = Number(answer.headers['content-length']);
      return {
        mimetype,
        filename: nameIn(address),
        size: Number.isSafeInteger(length) && length > 0 ? length : null,
        body: (limit) => this.#read(answer, { address, mimetype, limit, deadline }),
        abandon: () => {
          deadline.clear();
          drop(answer);
        },
      };
    } catch (error) {
      deadline.clear();
      throw unreachable(address, error, deadline);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(address: string, deadline: Deadline): Promise<Dispatcher.ResponseData> {
    let url = new URL(address);
    for (let hop = 0; hop <= REDIRECTS; hop += 1) {
      this.#requireAllowed(url);
      const answer = await request(url, {
        dispatcher: this.#agent,
        signal: deadline.signal,
        headers: { accept: '*/*', 'user-agent': 'wharf' },
      });
      const location = answer.headers['location'];
      if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string') {
        await answer.body.dump();
        url = new URL(location, url);
        continue;
      }
      if (answer.statusCode === 200) return answer;
      await answer.body.dump();
      throw new WharfError(
        'media_unreachable',
        `${shown(address)} answered with status ${answer.statusCode}.`,
      );
    }
    throw new WharfError('media_refused', `${shown(address)} redirects more than ${REDIRECTS} times.`);
  }

  async *#read(
    answer: Dispatcher.ResponseData,
    asked: { address: string; mimetype: string; limit: number; deadline: Deadline },
  ): AsyncGenerator<Buffer> {
    const { address, mimetype, limit, deadline } = asked;
    let size = 0;
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        if (size === 0 && looksLikePage(chunk, mimetype)) {
          throw new WharfError('media_refused', `${shown(address)} is a web page, not ${mimetype}.`);
        }
        size += chunk.length;
        if (size > limit) throw mediaTooLarge(limit);
        yield chunk;
      }
      if (size === 0) throw new WharfError('media_unreachable', `${shown(address)} is empty.`);
    } catch (error) {
      throw unreachable(address, error, deadline);
    } finally {
      deadline.clear();
      drop(answer);
    }
  }

  #requireAllowed(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new WharfError('media_refused', `Media is fetched over http and https, not ${url.protocol}`);
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) && !this.#mayCall(host)) throw privateAddress(host);
  }
}

/** Ends an answer whose rest nobody wants; what undici says of that is no fault. */
function drop({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {}).destroy();
}

/** A time that can be set anew, as a signal. */
class Deadline {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  milliseconds = 0;

  constructor(milliseconds: number) {
    this.set(milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  set(milliseconds: number): void {
    this.clear();
    this.milliseconds = milliseconds;
    this.#timer = setTimeout(() => this.#controller.abort(new Error('late')), milliseconds);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

function privateAddress(host: string): WharfError {
  return new WharfError(
    'media_refused',
    `${host} is not an address of the public Internet; media is fetched from no other.`,
  );
}

function unreachable(address: string, error: unknown, deadline: Deadline): WharfError {
  if (isWharfError(error)) return error;
  const { cause } = error as Error;
  if (isWharfError(cause)) return cause;
  const reason = deadline.signal.aborted
    ? `not all there after ${deadline.milliseconds} ms`
    : messageOf(error);
  return new WharfError('media_unreachable', `${shown(address)} could not be fetched: ${reason}.`, {
    cause: error,
  });
}

/** The address without its query, which may hold a signature. */
function shown(address: string): string {
  const url = new URL(address);
  return `${url.origin}${url.pathname}`.slice(0, 200);
}

function nameIn(address: string): string | null {
  const last = new URL(address).pathname.split('/').pop() ?? '';
  try {
    const name = decodeURIComponent(last).replace(/[/\\\0]/g, '');
    return name === '' ? null : name.slice(0, 200);
  } catch {
    return null;
  }
}
