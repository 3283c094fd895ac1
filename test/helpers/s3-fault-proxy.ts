import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the proxy saw it. */
export interface SeenRequest {
  method: string;
  /** With its query, as it was sent. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
}

/** What is done to a request instead of passing it on, or to its answer. */
export type S3Fault =
  /** An answer of its own; `code` and `fields` as S3's XML has them. */
  | {
      answer: number;
      code?: string;
      message?: string;
      headers?: Record<string, string>;
      fields?: Record<string, string>;
    }
  /** The connection ends after so many bytes of the request's body. */
  | { cutUploadAfter: number }
  /** The connection ends after so many bytes of the answer's body. */
  | { cutDownloadAfter: number }
  /** The server does what it was asked for, and nobody hears of it. */
  | { loseAnswer: true }
  /** A byte of the answer's body each so many milliseconds. */
  | { dribble: number }
  /** No answer, ever. */
  | { hang: true }
  | { passOn: true };

/** Stands before an S3 server and does what networks and servers do now and then. */
export class S3FaultProxy {
  readonly requests: SeenRequest[] = [];
  /** Asked about each request; undefined: it is passed on. */
  fault: (request: SeenRequest) => S3Fault | undefined = () => undefined;
  readonly #server: Server;
  readonly #target: URL;
  readonly #over = new AbortController();

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer(
      (asked, answer) => void this.#serve(asked, answer).catch(() => answer.destroy()),
    );
  }

  static async start(target: string): Promise<S3FaultProxy> {
    const proxy = new S3FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next requests that match get the faults, one each. */
  next(matches: (request: SeenRequest) => boolean, ...faults: S3Fault[]): void {
    const left = [...faults];
    this.fault = (asked) => (matches(asked) ? left.shift() : undefined);
  }

  /** Forgets faults and requests. */
  reset(): void {
    this.fault = () => undefined;
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    this.#over.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const seen = { method: asked.method ?? '', path: asked.url ?? '', headers: asked.headers };
    this.requests.push(seen);
    const fault: S3Fault = this.fault(seen) ?? { passOn: true };
    if ('hang' in fault) return void asked.resume();
    if ('answer' in fault) {
      // The whole request is taken first, as S3 does: a client that still writes would see a broken connection.
      for await (const _ of asked);
      answer.writeHead(fault.answer, { 'content-type': 'application/xml', ...fault.headers });
      answer.end(
        fault.code === undefined
          ? ''
          : errorXml({ Code: fault.code, Message: fault.message ?? '', ...fault.fields }),
      );
      return;
    }
    if ('cutUploadAfter' in fault) {
      let bytes = 0;
      for await (const chunk of asked) {
        bytes += (chunk as Buffer).length;
        if (bytes > fault.cutUploadAfter) break;
      }
      asked.socket.destroy();
      return;
    }
    await this.#passOn(asked, answer, fault);
  }

  async #passOn(asked: IncomingMessage, answer: ServerResponse, fault: S3Fault): Promise<void> {
    const { hostname, port } = this.#target;
    // The headers as they are: the signature is of the Host that the client knows.
    const onward = request({ hostname, port, method: asked.method, path: asked.url, headers: asked.headers });
    asked.pipe(onward);
    const [given] = (await once(onward, 'response')) as [IncomingMessage];
    if ('loseAnswer' in fault) {
      for await (const _ of given);
      asked.socket.destroy();
      return;
    }
    answer.writeHead(given.statusCode ?? 500, given.rawHeaders);
    if ('cutDownloadAfter' in fault) {
      let left = fault.cutDownloadAfter;
      for await (const chunk of given) {
        const part = (chunk as Buffer).subarray(0, left);
        left -= part.length;
        await new Promise((resolve) => answer.write(part, resolve));
        if (left === 0) break;
      }
      asked.socket.destroy();
    } else if ('dribble' in fault) {
      for await (const chunk of given) {
        for (const byte of chunk as Buffer) {
          if (answer.destroyed || this.#over.signal.aborted) return;
          answer.write(Buffer.of(byte));
          await new Promise((resolve) => setTimeout(resolve, fault.dribble));
        }
      }
      answer.end();
    } else {
      given.pipe(answer);
    }
  }
}

function errorXml(fields: Record<string, string>): string {
  const inner = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<?xml version="1.0" encoding="UTF-8"?><Error>${inner.join('')}</Error>`;
}
