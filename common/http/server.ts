import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemCode, WharfError } from '../errors.ts';
import { toProblem } from '../problem.ts';

/** A listening HTTP server. */
export interface HttpServer {
  /** The port it listens on, also when 0 was asked for. */
  port: number;
  /** `http://address:port` */
  url: string;
  server: Server;
  /** From now on every answer ends its connection, and says so (`Connection: close`): whoever asks again comes by a new one. All else goes on. */
  leave(): void;
  /** Leaves; takes no new connection, ends the idle ones, and waits for the requests that are being answered; after `grace` milliseconds cuts them. */
  close(grace?: number): Promise<void>;
}

/** What may differ between servers. */
export interface ServerOptions {
  /** Milliseconds a client may take to send a whole request, body included; default one minute. Beyond it: 408. */
  requestTimeout?: number;
}

/** How long a client may take: for its headers, for a whole request, and between requests on a kept connection (longer than most proxies keep one). */
const HEADERS_TIMEOUT = 15_000;
const REQUEST_TIMEOUT = 60_000;
const KEEP_ALIVE_TIMEOUT = 75_000;

/**
 * Listens for HTTP.
 *
 * @throws WharfError `port_taken` when another process has the port; `config_invalid` when the address is not of this machine
 */
export function listen(
  listener: RequestListener,
  port: number,
  address: string,
  options: ServerOptions = {},
): Promise<HttpServer> {
  const requestTimeout = options.requestTimeout ?? REQUEST_TIMEOUT;
  const server = createServer(
    {
      headersTimeout: Math.min(HEADERS_TIMEOUT, requestTimeout),
      requestTimeout,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      connectionsCheckingInterval: Math.min(5000, requestTimeout / 2),
    },
    listener,
  );
  server.on('clientError', answerClientError);
  const leave = endsKeptConnections(server);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, port, address)));
    server.listen({ port, host: address, backlog: 2048 }, () => {
      server.removeAllListeners('error');
      const bound = (server.address() as AddressInfo).port;
      const host = address.includes(':') ? `[${address}]` : address;
      resolve({
        port: bound,
        url: `http://${host}:${bound}`,
        server,
        leave,
        close: (grace = 5000) => {
          leave();
          return closeServer(server, grace);
        },
      });
    });
  });
}

/** What never became a request (or never ended) is answered like everything else: with a problem document, and the connection closed. */
function answerClientError(error: Error, socket: Duplex): void {
  const code = systemCode(error);
  if (!socket.writable || code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const known =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new WharfError(
          'request_timeout',
          'The request did not arrive whole in time. Send it faster, or in smaller pieces.',
        )
      : code === 'HPE_HEADER_OVERFLOW'
        ? new WharfError('invalid_request', 'The address and headers of the request are too long.')
        : new WharfError('invalid_request', 'This is not a valid HTTP request.');
  const problem = toProblem(known, randomUUID());
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${problem.request_id}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Makes what has a server's answers end their connections from when it is called, those of requests included that are being answered: a client that
 * is told so does not send its next request on a connection that is about to be closed.
 */
function endsKeptConnections(server: Server): () => void {
  const answering = new Set<ServerResponse>();
  let leaving = false;
  server.prependListener('request', (_request, response) => {
    if (leaving) {
      response.shouldKeepAlive = false;
      return;
    }
    answering.add(response);
    response.once('close', () => answering.delete(response));
  });
  return () => {
    leaving = true;
    for (const response of answering) response.shouldKeepAlive = false;
  };
}

function closeServer(server: Server, grace: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), grace);
    // A connection becomes idle when its answer is finished, and would then be kept for as long as the client likes.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function listenError(error: unknown, port: number, address: string): Error {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return new WharfError(
      'port_taken',
      `Port ${port} of ${address} is taken by another process. Choose another port, or end that process.`,
      { cause: error },
    );
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    return new WharfError(
      'config_invalid',
      `Cannot listen on ${address}:${port} (${code}). Check the address and the port.`,
      { cause: error },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}
