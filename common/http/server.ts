import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemCode, WharfError } from '../errors.ts';

/** A listening HTTP server. */
export interface HttpServer {
  /** The port it listens on, also when 0 was asked for. */
  port: number;
  /** `http://address:port` */
  url: string;
  server: Server;
  /** Takes no new connection, ends the idle ones, and waits for the requests that are being answered; after `grace` milliseconds cuts them. */
  close(grace?: number): Promise<void>;
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
export function listen(listener: RequestListener, port: number, address: string): Promise<HttpServer> {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, keepAliveTimeout: KEEP_ALIVE_TIMEOUT, connectionsCheckingInterval: 5000 },
    listener,
  );
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, port, address)));
    server.listen({ port, host: address, backlog: 2048 }, () => {
      server.removeAllListeners('error');
      const bound = (server.address() as AddressInfo).port;
      const host = address.includes(':') ? `[${address}]` : address;
      resolve({ port: bound, url: `http://${host}:${bound}`, server, close: (grace = 5000) => closeServer(server, grace) });
    });
  });
}

function closeServer(server: Server, grace: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), grace);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function listenError(error: unknown, port: number, address: string): Error {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return new WharfError('port_taken', `Port ${port} of ${address} is taken by another process. Choose another port, or end that process.`, { cause: error });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    return new WharfError('config_invalid', `Cannot listen on ${address}:${port} (${code}). Check the address and the port.`, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}
