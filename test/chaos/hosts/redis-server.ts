import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../helpers/eventually.ts';
import type { Host } from './host.ts';
import type { HostProcess } from './host-process.ts';

const PORT = 6379;

/** A Redis server on a host, with an append-only file that is synced at each write, as the docs ask for. */
export class HostRedis {
  readonly host: Host;
  readonly #args: readonly string[];
  #process: HostProcess;

  private constructor(host: Host, args: readonly string[], process: HostProcess) {
    this.host = host;
    this.#args = args;
    this.#process = process;
  }

  /** @param master makes it a replica of that one */
  static async start(host: Host, master?: HostRedis): Promise<HostRedis> {
    const replication = master === undefined ? [] : ['--replicaof', `${master.host.address} ${PORT}`];
    const server = new HostRedis(host, replication, await launch(host, replication, true));
    await server.#serves();
    if (master !== undefined) await server.inSync();
    return server;
  }

  get url(): string {
    return `redis://${this.host.address}:${PORT}`;
  }

  get port(): number {
    return PORT;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** SIGKILL; the append-only file stays. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Stops the process where it is: connections stay open and nothing answers. */
  pause(): void {
    this.#process.signal('SIGSTOP');
  }

  resume(): void {
    this.#process.signal('SIGCONT');
  }

  /**
   * Starts it again after {@link HostRedis.kill}, and waits until it has loaded its file.
   *
   * @param persistent false: it keeps no file any longer, and what it kept is removed, so that it starts empty
   */
  async startAgain(persistent = true): Promise<void> {
    if (!persistent) await rm(dataDirectory(this.host), { recursive: true });
    this.#process = await launch(this.host, this.#args, persistent);
    await this.#serves();
  }

  /** FLUSHALL. */
  async empty(): Promise<void> {
    await this.command('FLUSHALL');
  }

  /** Runs a command from its own host, whatever is cut off. Answers as redis-cli writes it, without the line's end. */
  async command(...words: string[]): Promise<string> {
    return (await this.host.run('redis-cli', ['-e', '-p', `${PORT}`, ...words])).trimEnd();
  }

  /** Whether it is `master` or `slave`, in Redis's words, at this moment. */
  async role(): Promise<string> {
    return (await this.command('ROLE')).split('\n')[0] as string;
  }

  /** Waits until it is a replica that has all of its master's data. */
  async inSync(): Promise<void> {
    await eventually(async () =>
      (await this.command('INFO', 'replication')).includes('master_link_status:up'),
    );
  }

  async #serves(): Promise<void> {
    await eventually(async () => {
      if (this.#process.hasEnded)
        throw new Error(`redis-server ended: ${this.#process.lines.slice(-5).join('\n')}`);
      return await this.command('PING').then(
        (answer) => answer === 'PONG',
        () => false,
      );
    });
  }
}

async function launch(host: Host, replication: readonly string[], persistent: boolean): Promise<HostProcess> {
  await mkdir(dataDirectory(host), { recursive: true });
  return await host.start('redis', 'redis-server', [
    ...['--port', `${PORT}`, '--bind', '0.0.0.0', '--protected-mode', 'no', '--dir', dataDirectory(host)],
    ...['--save', '', '--appendonly', persistent ? 'yes' : 'no', '--appendfsync', 'always'],
    // A replica that starts anew gets its data at once: by default the master waits 5 s for others who want it too.
    ...['--repl-diskless-sync-delay', '0'],
    ...replication,
  ]);
}

function dataDirectory(host: Host): string {
  return join(host.directory, 'redis');
}
