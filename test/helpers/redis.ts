import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Redis server of a test's own. */
export interface PrivateRedis {
  url: string;
  port: number;
  /** Stops the process where it is (SIGSTOP), as a hang would. */
  pause(): void;
  resume(): void;
  /** Kills it, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on its port after {@link PrivateRedis.kill}, empty unless `appendonly` was asked for. */
  start(): Promise<void>;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
}

/**
 * Starts a private redis-server on a free port of the loopback, in a directory of its own. Redis can't choose a port by itself,
 * so another process may take the one found: then another is tried.
 *
 * @param options.settings more of its arguments, such as `--maxmemory`, `1mb`
 * @throws Error with what redis-server said when it does not start
 */
export async function startRedis(
  options: { appendonly?: boolean; settings?: string[] } = {},
): Promise<PrivateRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-redis-'));
  let lastError: unknown;
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort();
    const settings = ['--appendonly', options.appendonly ? 'yes' : 'no', ...(options.settings ?? [])];
    const launch = () => launchRedis(port, directory, settings);
    let child: ChildProcess;
    try {
      child = await launch();
    } catch (error) {
      lastError = error;
      continue;
    }
    const kill = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    };
    return {
      url: `redis://127.0.0.1:${port}`,
      port,
      pause: () => child.kill('SIGSTOP'),
      resume: () => child.kill('SIGCONT'),
      kill,
      start: async () => {
        child = await launch();
      },
      close: async () => {
        await kill();
        await rm(directory, { recursive: true, force: true });
      },
    };
  }
  await rm(directory, { recursive: true, force: true });
  throw lastError;
}

/**
 * A port nobody listens on at this moment, below those that Linux gives to outgoing connections (32768 and up): who is started again on its port after a while would
 * find it taken, if only by a client of its own that was connected to itself when it tried to reach it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const server = createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

async function launchRedis(port: number, directory: string, settings: string[]): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '', ...settings];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${said.slice(-500)}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
      if (said.includes('Ready to accept connections')) resolve();
    });
  });
  child.removeAllListeners('exit');
  return child;
}
