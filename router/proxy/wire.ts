import { connect, type Socket } from 'node:net';

/** A small answer, whole. */
export interface WireAnswer {
  status: number;
  contentType: string;
  /** The body's bytes, one a character (latin1): Node writes head and body as one piece then, which took a third off the cost of an answer. */
  body: string;
}

/** Told once: the answer, or undefined when the wire broke before it came; then nothing is known but that asking again does no harm. */
export type Heard = (answer: WireAnswer | undefined) => void;

/** Milliseconds the oldest question may wait; then the instance hangs, and all who wait are told so. */
const PATIENCE = 2000;

/** Questions under way on one wire; a caller beyond it goes another way. */
const DEEPEST = 1000;

/** Bytes of a status line with its headers; more comes from no instance. */
const LONGEST_HEAD = 16 * 1024;

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One connection to an instance for short reads that are answered from its memory: pipelined HTTP/1.1, so that many questions share a
 * packet. It understands just what our own instances answer to such a read (a Content-Length, no chunks), and breaks at anything else;
 * whoever asked then takes the long way, which understands everything. Why it exists: docs/decisions/0004-router-quick-reads.md.
 */
export class Wire {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #waiting: { heard: Heard; since: number }[] = [];
  /** Index of the oldest one waiting: shifting a long array costs, moving an index does not. */
  #first = 0;
  #unsent = '';
  #rest: Buffer | undefined;
  #connected = false;
  #broken = false;
  readonly #watch: NodeJS.Timeout;

  /**
   * @param url base URL of the instance
   * @param headers sent with every question; none may hold a line break
   */
  constructor(url: string, headers: Readonly<Record<string, string>>) {
    const { hostname, port, host } = new URL(url);
    const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head = lines.join('');
    this.#socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 80),
      noDelay: true,
    });
    this.#socket.once('connect', () => {
      this.#connected = true;
    });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => this.break());
    this.#socket.on('close', () => this.break());
    this.#watch = setInterval(() => this.#lookForHang(), PATIENCE / 4);
    this.#watch.unref();
  }

  /** False once it can be used no more. */
  get usable(): boolean {
    return !this.#broken;
  }

  /** True when a question may be asked now. */
  get ready(): boolean {
    return this.#connected && !this.#broken && this.#waiting.length - this.#first < DEEPEST;
  }

  /**
   * Asks. Only while {@link Wire.ready}; path and request id hold no spaces and no line breaks.
   *
   * @param heard called once, later
   */
  get(path: string, requestId: string, heard: Heard): void {
    this.#waiting.push({ heard, since: performance.now() });
    // Questions of one turn of the event loop go out together.
    if (this.#unsent === '') setImmediate(() => this.#send());
    this.#unsent += `GET ${path} HTTP/1.1\r\n${this.#head}x-request-id: ${requestId}\r\n\r\n`;
  }

  /** Ends it; all who wait are told. */
  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    clearInterval(this.#watch);
    this.#socket.destroy();
    for (const { heard } of this.#waiting.splice(this.#first)) heard(undefined);
  }

  #send(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (!this.#broken) this.#socket.write(text, 'latin1');
  }

  #lookForHang(): void {
    const oldest = this.#waiting[this.#first];
    if (oldest && performance.now() - oldest.since > PATIENCE) this.break();
  }

  #take(chunk: Buffer): void {
    let data = chunk;
    if (this.#rest) data = Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (at < data.length && !this.#broken) {
      const headEnd = data.indexOf(HEAD_END, at);
      if (headEnd === -1) {
        if (data.length - at > LONGEST_HEAD) this.break();
        break;
      }
      const head = readHead(data.toString('latin1', at, headEnd));
      if (!head) {
        this.break();
        break;
      }
      const bodyAt = headEnd + HEAD_END.length;
      const end = bodyAt + head.length;
      if (end > data.length) break;
      this.#hear({
        status: head.status,
        contentType: head.contentType,
        body: data.toString('latin1', bodyAt, end),
      });
      at = end;
    }
    if (at < data.length && !this.#broken) this.#rest = data.subarray(at);
  }

  #hear(answer: WireAnswer): void {
    const oldest = this.#waiting[this.#first];
    if (!oldest) {
      this.break();
      return;
    }
    this.#first += 1;
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#first = 0;
    } else if (this.#first > DEEPEST) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    oldest.heard(answer);
  }
}

/** What a head says, or undefined for one that is not as our instances write it. */
export function readHead(head: string): { status: number; contentType: string; length: number } | undefined {
  const status = /^HTTP\/1\.1 ([2-5]\d\d) /.exec(head)?.[1];
  const length = /\r\ncontent-length: ?(\d{1,9})(?:\r\n|$)/i.exec(head)?.[1];
  if (status === undefined || length === undefined || /\r\ntransfer-encoding:/i.test(head)) return undefined;
  const contentType = /\r\ncontent-type: ?([^\r]*)/i.exec(head)?.[1] ?? 'application/json; charset=utf-8';
  return { status: Number(status), contentType, length: Number(length) };
}
