import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { isPublicAddress } from '../../common/address-check.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import { MAX_MEDIA_BYTES, type Media } from '../../fleet/messages.ts';
import type { MediaContent } from '../whatsapp/client.ts';

/** How media is fetched. */
export interface MediaFetchOptions {
  /** Bytes at most. */
  limit?: number;
  /** Milliseconds for all of it. */
  timeout?: number;
  /** Whether an address may be called; for tests. */
  mayCall?: (address: string) => boolean;
}

const REDIRECTS = 3;

/** Fetches the media of messages, from public addresses alone. */
export class MediaFetcher {
  readonly #agent: Agent;
  readonly #limit: number;
  readonly #timeout: number;
  readonly #mayCall: (address: string) => boolean;

  constructor(options: MediaFetchOptions = {}) {
    this.#limit = options.limit ?? MAX_MEDIA_BYTES;
    this.#timeout = options.timeout ?? 30_000;
    this.#mayCall = options.mayCall ?? isPublicAddress;
    this.#agent = new Agent({
      connections: 16,
      connect: {
        // The address is checked where it is used, so that a name that resolves to another one a moment later gains nothing.
        lookup: (hostname, options, callback) => {
          lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
            if (error) return callback(error, '', 0);
            const refused = addresses.find(({ address }) => !this.#mayCall(address));
            if (refused || addresses.length === 0) return callback(privateAddress(hostname), '', 0);
            const [first] = addresses;
            if (options.all) return callback(null, addresses);
            return callback(null, first?.address ?? '', first?.family ?? 0);
          });
        },
      },
    });
  }

  /**
   * The media of a message, at hand.
   *
   * @throws WharfError `media_refused` (an address that is not public, too many redirects), `media_too_large`, `media_unreachable`
   */
  async prepare(media: Media): Promise<MediaContent> {
    if ('data' in media) {
      const bytes = Buffer.byteLength(media.data, 'base64');
      if (bytes > this.#limit) throw this.#tooLarge(bytes);
      return { mimetype: media.mimetype, data: media.data, filename: media.filename ?? null };
    }
    if ('media_id' in media)
      throw new WharfError('media_not_found', `There is no media ${media.media_id}. Upload it again.`);
    const fetched = await this.#fetch(media.url);
    const mimetype = media.mimetype ?? fetched.mimetype;
    if (mimetype === null) {
      throw new WharfError(
        'media_refused',
        `${shown(media.url)} does not say what type its media is. Give "mimetype" with the message.`,
      );
    }
    return { mimetype, data: fetched.data.toString('base64'), filename: media.filename ?? nameIn(media.url) };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #fetch(address: string): Promise<{ data: Buffer; mimetype: string | null }> {
    const signal = AbortSignal.timeout(this.#timeout);
    let url = new URL(address);
    try {
      for (let hop = 0; hop <= REDIRECTS; hop += 1) {
        this.#requireAllowed(url);
        const answer = await request(url, {
          dispatcher: this.#agent,
          signal,
          headers: { accept: '*/*', 'user-agent': 'wharf' },
        });
        const location = answer.headers['location'];
        if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string') {
          await answer.body.dump();
          url = new URL(location, url);
          continue;
        }
        if (answer.statusCode !== 200) {
          await answer.body.dump();
          throw new WharfError(
            'media_unreachable',
            `${shown(address)} answered with status ${answer.statusCode}.`,
          );
        }
        return { data: await this.#read(answer, url), mimetype: typeOf(answer.headers['content-type']) };
      }
    } catch (error) {
      if (isWharfError(error)) throw error;
      if (isWharfError((error as Error).cause)) throw (error as Error).cause;
      const reason = signal.aborted ? `not all there after ${this.#timeout} ms` : messageOf(error);
      throw new WharfError('media_unreachable', `${shown(address)} could not be fetched: ${reason}.`, {
        cause: error,
      });
    }
    throw new WharfError('media_refused', `${shown(address)} redirects more than ${REDIRECTS} times.`);
  }

  async #read(answer: Dispatcher.ResponseData, url: URL): Promise<Buffer> {
    const announced = Number(answer.headers['content-length'] ?? 0);
    if (announced > this.#limit) {
      answer.body.destroy();
      throw this.#tooLarge(announced);
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > this.#limit) {
        answer.body.destroy();
        throw this.#tooLarge(size);
      }
      chunks.push(chunk);
    }
    if (size === 0) throw new WharfError('media_unreachable', `${shown(url.href)} is empty.`);
    return Buffer.concat(chunks, size);
  }

  #requireAllowed(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new WharfError('media_refused', `Media is fetched over http and https, not ${url.protocol}`);
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) && !this.#mayCall(host)) throw privateAddress(host);
  }

  #tooLarge(bytes: number): WharfError {
    return new WharfError(
      'media_too_large',
      `The media has ${bytes} bytes or more; ${this.#limit} are the limit.`,
    );
  }
}

function privateAddress(host: string): WharfError {
  return new WharfError(
    'media_refused',
    `${host} is not an address of the public Internet; media is fetched from no other.`,
  );
}

/** The address without its query, which may hold a signature. */
function shown(address: string): string {
  const url = new URL(address);
  return `${url.origin}${url.pathname}`.slice(0, 200);
}

function typeOf(header: string | string[] | undefined): string | null {
  const type = typeof header === 'string' ? header.split(';')[0]?.trim() : undefined;
  return type && /^[\w.+-]+\/[\w.+-]+$/.test(type) && type !== 'application/octet-stream' ? type : null;
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
