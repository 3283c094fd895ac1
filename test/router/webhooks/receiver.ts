import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { onTestFinished } from 'vitest';

/** A request that a receiver got whole. */
export interface Received {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into events of all types, and fail where one is not there
  event: any;
  body: string;
  headers: IncomingMessage['headers'];
}

/** What a receiver does with a request. Whoever answers by itself returns nothing. */
export type Behaviour = (
  received: Received,
  response: ServerResponse,
) => number | undefined | Promise<number>;

const taking: Behaviour = () => 200;

/** An application that receives webhooks, on a port of its own. */
export class Receiver {
  readonly url: string;
  /** All requests in their order, and those it answered with 2xx. */
  readonly all: Received[] = [];
  readonly taken: Received[] = [];
  behaviour: Behaviour = taking;
  /** Requests being answered at this moment, and the most there were. */
  open = 0;
  mostOpen = 0;
  readonly #server: Server;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  }

  /** @param port 0: any that is free */
  static async start(behaviour: Behaviour = taking, port = 0): Promise<Receiver> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new Receiver(server, '/hook?token=1');
    receiver.behaviour = behaviour;
    server.on('request', (request, response) => void receiver.#receive(request, response));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get ids(): string[] {
    return this.taken.map(({ id }) => id);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.on('close', () => {
      this.open -= 1;
    });
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const id = String(request.headers['webhook-id']);
    const received = { id, event: JSON.parse(body), body, headers: request.headers };
    this.all.push(received);
    const status = await this.behaviour(received, response);
    if (status === undefined) return;
    if (status >= 200 && status < 300) this.taken.push(received);
    response.writeHead(status).end();
  }
}

/** A receiver that ends with the test that is running. */
export async function startReceiver(behaviour?: Behaviour, port?: number): Promise<Receiver> {
  const receiver = await Receiver.start(behaviour, port);
  onTestFinished(() => receiver.close());
  return receiver;
}

/** A server that speaks no HTTP: `answer` is what it writes to whoever connects and says something. */
export async function startRawServer(answer: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Whether a request is signed with a secret, as the library that applications use finds. */
export function isSigned(received: Received, secret: string): boolean {
  try {
    new Webhook(secret).verify(received.body, received.headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
