import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, createServer, type Server } from 'node:net';
import { systemCode, WharfError } from '../../common/errors.ts';

/** Milliseconds the one that has the lock may take to say who it is. */
const PATIENCE = 1000;

/**
 * Keeps a second supervisor of one instance off this host, with and without Redis.
 *
 * The lock is an abstract Unix socket (unix(7)) whose name is made of instance and session path. The kernel lets one process have it and
 * takes it back at that process's end, however it ends: nothing is left behind to be judged stale, no file system has to be up, and a
 * stopped process still has it. Its scope is the network namespace, so containers are told apart as hosts are. Node has no flock(2).
 *
 * @param who said to whoever comes second, on one line
 * @returns what gives it back
 * @throws WharfError `invalid_state` that says who has it
 */
export async function lockInstance(
  instance: string,
  sessionPath: string,
  who: string,
): Promise<() => Promise<void>> {
  const digest = createHash('sha256').update(`${instance}\0${sessionPath}`).digest('hex');
  const path = `\0wharf-supervisor-${digest.slice(0, 32)}`;
  const server = createServer((socket) => socket.on('error', () => {}).end(`${who}\n`));
  try {
    server.listen({ path });
    await once(server, 'listening');
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw error;
    throw new WharfError(
      'invalid_state',
      `${instance} runs on this host already: ${await askWho(path)}. Stop it first, or give this one another INSTANCE_ID.`,
      { cause: error },
    );
  }
  server.unref();
  return () => closed(server);
}

async function askWho(path: string): Promise<string> {
  const socket = createConnection({ path });
  try {
    const [text] = await once(socket.setEncoding('utf8'), 'data', { signal: AbortSignal.timeout(PATIENCE) });
    return String(text).trim();
  } catch {
    return 'a process that does not say who it is (it is stopped, or of another program)';
  } finally {
    socket.destroy();
  }
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
