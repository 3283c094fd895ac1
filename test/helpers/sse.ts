/** What a client of server-sent events reads. */
export interface SseFrame {
  id: string | undefined;
  event: string | undefined;
  data: string | undefined;
  retry: string | undefined;
}

/** A client as the HTML standard describes one, without coming again by itself. */
export class SseReader {
  readonly frames: SseFrame[] = [];
  /** What it would send as Last-Event-ID. */
  lastEventId: string | undefined;
  readonly response: Response;
  readonly #controller: AbortController;
  readonly ended: Promise<void>;

  private constructor(response: Response, controller: AbortController) {
    this.response = response;
    this.#controller = controller;
    this.ended = this.#read();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseReader> {
    const controller = new AbortController();
    return new SseReader(await fetch(url, { headers, signal: controller.signal }), controller);
  }

  /** The events that were dispatched. */
  get events(): { type: string; data: { id: string; [field: string]: unknown }; id: string | undefined }[] {
    return this.frames.flatMap(({ data, event, id }) =>
      data === undefined ? [] : [{ type: event ?? 'message', data: JSON.parse(data), id }],
    );
  }

  /** Goes away. */
  async close(): Promise<void> {
    this.#controller.abort();
    await this.ended;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of this.response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const whole = text.split('\n\n');
        text = whole.pop() ?? '';
        for (const block of whole) this.#take(block);
      }
    } catch {
      // The connection broke, or was closed here: what was read stays.
    }
  }

  #take(block: string): void {
    const frame: SseFrame = { id: undefined, event: undefined, data: undefined, retry: undefined };
    for (const line of block.split('\n')) {
      const [, name, value] = /^(\w+): (.*)$/.exec(line) ?? [];
      if (name === 'id' || name === 'event' || name === 'data' || name === 'retry') frame[name] = value;
    }
    if (frame.id !== undefined) this.lastEventId = frame.id;
    this.frames.push(frame);
  }
}
