import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { systemCode, WharfError } from '../../common/errors.ts';

const LOOPBACK = '127.0.0.1';

/** A port that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return tryListen(0, LOOPBACK);
}

/**
 * The port the router will have: the one asked for, if nobody has it.
 *
 * @param address where the router listens
 * @throws WharfError `port_taken` that says what to do
 */
export async function routerPort(wanted: number, address: string): Promise<number> {
  try {
    return await tryListen(wanted, address);
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw error;
    throw new WharfError(
      'port_taken',
      `Port ${wanted} is taken by another process. Choose another for the router: npm start -- --port ${wanted + 100 < 65536 ? wanted + 100 : 3000} (or --port 0 for any free one).`,
      { cause: error },
    );
  }
}

function tryListen(port: number, address: string): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: address }, () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}
