import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type PrivateRedis, startRedis } from './redis.ts';

/** A master, its replica, and a sentinel that makes the one of the other when it is gone. */
export interface WatchedRedis {
  /** `redis+sentinel://...` */
  url: string;
  master: PrivateRedis;
  replica: PrivateRedis;
  close(): Promise<void>;
}

/** @param settings more arguments for both servers */
export async function startWatchedRedis(settings: string[] = []): Promise<WatchedRedis> {
  const common = ['--repl-diskless-sync-delay', '0', ...settings];
  const master = await startRedis({ appendonly: true, settings: common });
  const replica = await startRedis({
    appendonly: true,
    settings: [...common, '--replicaof', '127.0.0.1', String(master.port)],
  });
  const directory = await mkdtemp(join(tmpdir(), 'wharf-sentinel-'));
  const port = await freePort();
  const file = join(directory, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel monitor wharf 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds wharf 1000',
      'sentinel failover-timeout wharf 5000',
      '',
    ].join('\n'),
  );
  const sentinel = spawn('redis-sentinel', [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await says(sentinel, '+slave slave');
  return {
    url: `redis+sentinel://127.0.0.1:${port}/wharf`,
    master,
    replica,
    close: async () => {
      if (sentinel.exitCode === null && sentinel.signalCode === null) {
        const exited = once(sentinel, 'exit');
        sentinel.kill('SIGKILL');
        await exited;
      }
      await Promise.all([master.close(), replica.close(), rm(directory, { recursive: true, force: true })]);
    },
  };
}

/** Waits until a process has said something; what it says later is let go by. */
async function says(child: ChildProcess, text: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-sentinel ended with ${code}: ${said.slice(-500)}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
      if (said.includes(text)) resolve();
    });
  });
  child.removeAllListeners('exit');
}
