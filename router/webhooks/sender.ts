import { isIP } from 'node:net';
import { type Dispatcher, Pool } from 'undici';
import { type Clock, withinTime } from '../../common/clock.ts';
import { messageOf, systemCode } from '../../common/errors.ts';
import type { Resolve } from '../../common/resolver.ts';
import { type AddressPolicy, hostOf, mayCall, urlFault } from './receiver-address.ts';
import type { SignatureHeaders } from './signature.ts';

/** Bytes of an answer that are read, and thrown away; a longer answer is cut off. */
const MOST_ANSWER = 64 * 1024;

/** Why what is late is cut off; made once, since an error is dear and this one is never shown. */
const OVER = new Error('what came of it is known');

/** What came of a request. `failed`: there was no whole answer; `met`: but a connection. Times in milliseconds; reasons are for people. */
export type Outcome =
  | { kind: 'taken'; status: number; took: number }
  | { kind: 'refused'; status: number; took: number; reason: string; wish: number | undefined }
  | { kind: 'failed'; status: number | null; took: number; reason: string; met: boolean };

/** What is sent. */
export interface WebhookRequest {
  url: string;
  body: string;
  signature: SignatureHeaders;
}

/** What a sender needs. */
export interface SenderParts {
  policy: AddressPolicy;
  /** Milliseconds for the whole answer. */
  timeout: number;
  /** Connections to one receiver. */
  connections: number;
  resolve: Resolve;
  clock: Clock;
}

/** A name leads to nowhere that a webhook may go. */
class RefusedAddress extends Error {}

/** Sends to one receiver, over connections of its own: what one does to them, slow or broken, touches no other. */
export class Sender {
  readonly #parts: SenderParts;
  #origin = '';
  #pool: Pool | undefined;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Sends once. Never throws: whatever goes wrong is an outcome. */
  async send({ url, body, signature }: WebhookRequest, signal: AbortSignal): Promise<Outcome> {
    const { clock, timeout, policy } = this.#parts;
    const begun = clock.monotonic();
    const took = () => Math.round(clock.monotonic() - begun);
    // Looked at with every try: the policy may be another since it was set, and an address written as one is never resolved.
    const fault = urlFault(url, policy);
    if (fault !== undefined)
      return { kind: 'failed', status: null, took: 0, reason: `the URL ${fault}`, met: false };
    const cut = new AbortController();
    const onAbort = () => cut.abort(OVER);
    // Not a signal derived from the given one, which lives on and would keep each of them.
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    let status: number | null = null;
    try {
      const target = new URL(url);
      const asked = this.#request(target, body, signature, cut.signal, (seen) => {
        status = seen;
      });
      const answer = await withinTime(clock, timeout, asked, () => {
        return new Error(`no whole answer within ${timeout} ms`);
      });
      return judge(answer.status, answer.headers, took(), clock.now());
    } catch (error) {
      // It may be going on still.
      cut.abort(OVER);
      const reason = signal.aborted ? 'cut off, since this router stops' : reasonOf(error);
      return { kind: 'failed', status, took: took(), reason, met: isConnected(error) };
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #request(
    url: URL,
    body: string,
    signature: SignatureHeaders,
    signal: AbortSignal,
    answered: (status: number) => void,
  ): Promise<{ status: number; headers: Record<string, string | string[] | undefined> }> {
    const answer = await this.#poolOf(url).request({
      method: 'POST',
      path: url.pathname + url.search,
      headers: {
        'content-type': 'application/json',
        accept: '*/*',
        'user-agent': 'wharf-webhooks',
        ...signature,
      },
      body,
      signal,
    });
    answered(answer.statusCode);
    await throwAway(answer.body);
    return { status: answer.statusCode, headers: answer.headers };
  }

  #poolOf(url: URL): Pool {
    if (this.#pool && this.#origin === url.origin) return this.#pool;
    void this.#pool?.destroy().catch(() => {});
    this.#origin = url.origin;
    const { connections, timeout } = this.#parts;
    this.#pool = new Pool(url.origin, {
      connections,
      // The whole answer has one time limit, which is ours.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout,
        // The address is checked where it is used, so that a name that resolves to another one a moment later gains nothing.
        lookup: (hostname, options, callback) => {
          this.#lookup(hostname).then(
            (addresses) => {
              const [first] = addresses;
              if (options.all) callback(null, addresses);
              else callback(null, first?.address ?? '', first?.family ?? 0);
            },
            (error: Error) => callback(error, '', 0),
          );
        },
      },
    });
    return this.#pool;
  }

  async #lookup(hostname: string) {
    const { resolve, policy } = this.#parts;
    const host = hostOf(new URL(`http://${hostname}`));
    const addresses = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolve(host);
    const refused = addresses.find(({ address }) => !mayCall(address, policy));
    if (refused)
      throw new RefusedAddress(`${host} is at ${refused.address}, an address that gets no webhooks`);
    if (addresses.length === 0) throw new RefusedAddress(`the name ${host} has no address`);
    return addresses;
  }
}

/** Reads an answer to its end, or cuts it off where it is too long. Throws where it breaks off. */
async function throwAway(body: Dispatcher.ResponseData['body']): Promise<void> {
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_ANSWER) break;
  }
}

function judge(
  status: number,
  headers: Record<string, string | string[] | undefined>,
  took: number,
  now: number,
): Outcome {
  if (status >= 200 && status < 300) return { kind: 'taken', status, took };
  const redirect = status >= 300 && status < 400;
  const reason = redirect
    ? `it answered ${status}, a redirect, which is not followed: set the webhook to the final URL`
    : `it answered ${status}`;
  return { kind: 'refused', status, took, reason, wish: retryAfter(headers['retry-after'], now) };
}

/** What `Retry-After` asks for, in milliseconds: seconds, or a date. */
export function retryAfter(header: string | string[] | undefined, now: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Codes of errors before there was a connection. */
const UNCONNECTED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOTFOUND: 'its name is not known to DNS',
  ENODATA: 'its name has no address in DNS',
  ESERVFAIL: 'DNS failed for its name',
  ETIMEOUT: 'DNS did not answer for its name',
  EAI_AGAIN: 'DNS did not answer for its name',
  ETIMEDOUT: 'the connection could not be made in time',
  UND_ERR_CONNECT_TIMEOUT: 'the connection could not be made in time',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody that is trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its chain of certificates is not complete',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

const CLOSED = 'it closed the connection before the answer was whole';
const CONNECTED: Readonly<Record<string, string>> = {
  ECONNRESET: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_HEADERS_OVERFLOW: 'the headers of its answer are too long',
};

function isConnected(error: unknown): boolean {
  return !(error instanceof RefusedAddress) && !((systemCode(innermost(error)) ?? '') in UNCONNECTED);
}

/** Of several addresses of a name, the first. */
function innermost(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

function reasonOf(error: unknown): string {
  const inner = innermost(error);
  const code = systemCode(inner) ?? '';
  if (inner instanceof Error && inner.name === 'HTTPParserError')
    return `what it answered is not HTTP (${code || inner.message.slice(0, 100)})`;
  return UNCONNECTED[code] ?? CONNECTED[code] ?? messageOf(inner).slice(0, 200);
}
