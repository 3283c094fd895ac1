import { stat, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../../helpers/eventually.ts';
import type { Host } from './host.ts';

/** The file beside a brick that uses up its space. */
const BALLAST = 'ballast';

/** One copy of a volume: a process, an address, and a small file system in memory. */
export class Brick {
  readonly address: string;
  readonly #host: Host;
  /** The mount of its file system on the storage host. */
  readonly #mount: string;

  private constructor(host: Host, address: string, mount: string) {
    this.#host = host;
    this.address = address;
    this.#mount = mount;
  }

  /** Makes the file system of a brick. */
  static async prepare(host: Host, address: string, number: number, megabytes: number): Promise<Brick> {
    const mount = join(host.directory, `brick-${number}`);
    await host.run('mkdir', [mount]);
    await host.run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'none', mount]);
    await host.run('mkdir', [join(mount, 'files')]);
    return new Brick(host, address, mount);
  }

  /** As an end of a network: cutting a host off from one brick only. */
  get addresses(): readonly string[] {
    return [this.address];
  }

  /** As gluster names it. */
  get place(): string {
    return `${this.address}:${this.#directory}`;
  }

  /** Kills its process. Its files stay. */
  async kill(): Promise<void> {
    for (const pid of await this.#pids()) process.kill(pid, 'SIGKILL');
    await eventually(async () => (await this.#pids()).length === 0);
  }

  /** Stops its process where it is: the brick is silent, and its connections stay open. */
  async pause(): Promise<void> {
    for (const pid of await this.#pids()) process.kill(pid, 'SIGSTOP');
  }

  async resume(): Promise<void> {
    for (const pid of await this.#pids()) process.kill(pid, 'SIGCONT');
  }

  /** True when its process runs and serves clients. */
  async isOnline(): Promise<boolean> {
    const [process] = await this.#host.processesWith(this.#directory);
    if (process === undefined) return false;
    const option = process.command.find((word) => word.includes('.listen-port='));
    const port = Number(option?.split('=')[1]);
    return await answers(this.address, port);
  }

  /** Uses up its space but for some bytes, as another tenant of the disk would. */
  async fill(leaveBytes = 0): Promise<void> {
    const { bavail, bsize } = await statfs(this.#host.outside(this.#mount));
    const file = join(this.#mount, BALLAST);
    const old = await stat(this.#host.outside(file)).then(
      ({ size }) => size,
      () => 0,
    );
    await this.#host.run('fallocate', ['--length', `${old + bavail * bsize - leaveBytes}`, file]);
  }

  /** Gives back what {@link Brick.fill} took. */
  async free(): Promise<void> {
    await this.#host.run('rm', ['-f', join(this.#mount, BALLAST)]);
  }

  get #directory(): string {
    return join(this.#mount, 'files');
  }

  async #pids(): Promise<number[]> {
    const found = await this.#host.processesWith(this.#directory);
    return found.filter(({ command }) => command[0]?.endsWith('glusterfsd')).map(({ pid }) => pid);
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
