import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import type { SeededRandom } from '../../helpers/random.ts';

/** What a webhook brings. */
const eventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  session_id: z.string().nullable(),
  data: z.looseObject({
    whatsapp_id: z.string().nullish(),
    message_id: z.string().nullish(),
    chat_id: z.string().nullish(),
    status: z.string().nullish(),
    late: z.boolean().nullish(),
  }),
});
export type ReceivedEvent = z.infer<typeof eventSchema>;

/** What a receiver has counted so far. */
export interface ReceiverCounts {
  requests: number;
  repeated: number;
  refused: number;
  cut: number;
  taken: number;
}

/** What the receiver does with a share of the deliveries. */
const ILL = { refused: 0.03, cut: 0.01 };

/** The application's server for webhooks: takes events, refuses some, forgets to answer others, and can be away. */
export class WebhookReceiver {
  readonly secret = `whsec_${Buffer.from('the secret of the messages proof').toString('base64')}`;
  /** Events that were taken, in the order of their first taking. */
  readonly taken: ReceivedEvent[] = [];
  /** Requests that came. */
  requests = 0;
  /** Of these, those of events that had been taken before. */
  repeated = 0;
  /** Answered 500. */
  refused = 0;
  /** Taken, and the connection closed without an answer. */
  cut = 0;
  /** What should never come: another signature, another form. */
  readonly problems: string[] = [];
  readonly #ids = new Set<string>();
  readonly #random: SeededRandom;
  readonly #webhook = new Webhook(this.secret);
  /** Whether it refuses some and cuts some off. */
  ill = false;
  #server: Server | undefined;
  #port = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  counts(): ReceiverCounts {
    const { requests, repeated, refused, cut, taken } = this;
    return { requests, repeated, refused, cut, taken: taken.length };
  }

  /** Listens, on the same port each time. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#hear(request, response).catch((error: unknown) => this.problems.push(String(error)));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Nobody listens any more; connections are cut. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // Cut off, as when the receiver goes down.
      return;
    }
    const body = Buffer.concat(chunks).toString();
    this.requests += 1;
    if (this.ill && this.#random.chance(ILL.refused)) {
      this.refused += 1;
      response.writeHead(500).end('not now');
      return;
    }
    try {
      this.#webhook.verify(body, request.headers as Record<string, string>);
    } catch (error) {
      this.problems.push(`a webhook whose signature is wrong: ${String(error)}`);
    }
    const event = eventSchema.parse(JSON.parse(body));
    if (request.headers['webhook-id'] !== event.id)
      this.problems.push(
        `the webhook-id ${String(request.headers['webhook-id'])} is not the event's, ${event.id}`,
      );
    if (this.#ids.has(event.id)) this.repeated += 1;
    else {
      this.#ids.add(event.id);
      this.taken.push(event);
    }
    if (this.ill && this.#random.chance(ILL.cut)) {
      this.cut += 1;
      response.destroy();
      return;
    }
    response.writeHead(204).end();
  }
}
