import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../helpers/eventually.ts';
import type { Host } from './host.ts';
import type { HostProcess } from './host-process.ts';
import { signalAll, treeOf } from './namespace.ts';

/** A volume mounted on one host, by a process in that host's network: its fate is that of nobody else's mount. */
export class StorageMount {
  /** Where it is mounted, for the processes of its host. Others see an empty directory there: see `Host.outside`. */
  readonly path: string;
  readonly host: Host;
  readonly #start: () => Promise<HostProcess>;
  #client: HostProcess;

  private constructor(host: Host, path: string, start: () => Promise<HostProcess>, client: HostProcess) {
    this.host = host;
    this.path = path;
    this.#start = start;
    this.#client = client;
  }

  /** Mounts a volume as `mount -t glusterfs` does, except that the client stays a child of ours. */
  static async make(
    host: Host,
    servers: readonly string[],
    volume: string,
    hard: boolean,
  ): Promise<StorageMount> {
    const path = join(host.directory, 'storage');
    await mkdir(path, { recursive: true });
    const args = [
      '--no-daemon',
      '--process-name=fuse',
      ...servers.map((server) => `--volfile-server=${server}`),
      `--volfile-id=${volume}`,
      // No time-out of the client's own, and none of TCP that anybody would live to see.
      ...(hard ? ['--xlator-option=*client*.ping-timeout=0'] : []),
      `--log-file=${join(host.directory, 'storage-client.log')}`,
      path,
    ];
    const start = async () => {
      const client = await host.start('storage-client-errors', 'glusterfs', args);
      await mounted(host, path, client);
      return client;
    };
    return new StorageMount(host, path, start, await start());
  }

  /** The pid of the client. */
  get pid(): number {
    return this.#client.pid;
  }

  /**
   * Stops the client where it is: from now on every storage call of this host hangs, until {@link StorageMount.resume} or {@link StorageMount.kill}.
   * Who waits in a new call can be killed, since nobody has taken the call yet; who was in one can't. A lock that the client holds at this moment, since
   * one of its files is being written, makes others that write to the same file wait as long. See `docs/chaos.md` for a hang that nobody can be killed in.
   */
  async hang(): Promise<void> {
    await signalAll(() => treeOf(this.#client.pid), 'SIGSTOP');
  }

  async resume(): Promise<void> {
    await signalAll(() => treeOf(this.#client.pid), 'SIGCONT');
  }

  /** Kills the client: every call fails with ENOTCONN, until it is mounted again. */
  async kill(): Promise<void> {
    await this.#client.killTree();
  }

  /** Mounts it again after {@link StorageMount.kill}, or after its host lost its power. */
  async mountAgain(): Promise<void> {
    // What is left of the old mount; those who have files open in it keep it, dead as it is.
    if (await isMounted(this.host, this.path)) await this.host.run('umount', ['--lazy', this.path]);
    this.#client = await this.#start();
  }

  /** Mounts it again where its client has ended. */
  async mend(): Promise<void> {
    if (this.#client.hasEnded) await this.mountAgain();
  }
}

async function mounted(host: Host, path: string, client: HostProcess): Promise<void> {
  await eventually(async () => {
    if (client.hasEnded) throw new Error(`the storage client ended: ${await client.log()}`);
    return await isMounted(host, path);
  });
  // The mount shows before the client has found its bricks; the first call waits for them.
  await host.run('stat', ['--file-system', path]);
}

async function isMounted(host: Host, path: string): Promise<boolean> {
  const mounts = await readFile(`/proc/${host.namespace.keeper}/mountinfo`, 'utf8');
  return mounts.split('\n').some((line) => line.split(' ')[4] === path);
}
