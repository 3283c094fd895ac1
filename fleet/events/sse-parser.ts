/** An event of a stream, as far as it said: `id` is the last one that was sent, with this event or before it. */
export interface SseMessage {
  type: string;
  data: string;
  id: string;
}

/**
 * Reads server-sent events by the HTML standard, 9.2.6, from pieces of a stream as they come. For clients that do not have `EventSource`, or that must
 * send an API key with it.
 */
export class SseParser {
  /** What is sent as `Last-Event-ID` to go on after what was read. */
  lastEventId: string;
  /** Milliseconds the server asks to wait before coming again; undefined where it did not say. */
  retry: number | undefined;
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id: string;

  constructor(lastEventId = '') {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** The events that a piece of text completes. */
  push(text: string): SseMessage[] {
    // A line may end with CR LF, of which the LF comes with the next piece.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): SseMessage | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return undefined;
  }

  #dispatch(): SseMessage | undefined {
    this.lastEventId = this.#id;
    const [data, type] = [this.#data, this.#type];
    this.#data = [];
    this.#type = '';
    return data.length === 0
      ? undefined
      : { type: type === '' ? 'message' : type, data: data.join('\n'), id: this.#id };
  }
}
