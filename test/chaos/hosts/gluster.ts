import { eventually } from '../../helpers/eventually.ts';
import { Brick } from './brick.ts';
import type { Host } from './host.ts';
import type { HostProcess } from './host-process.ts';
import { StorageMount } from './storage-mount.ts';

const NAME = 'wharf';
const BRICKS = 3;

/**
 * Settings that change how soon a fault is noticed, and nothing of what happens then; all others are GlusterFS's own.
 * Times in seconds.
 */
const SETTINGS: Readonly<Record<string, number>> = {
  // Calls hang for once or twice this when a brick is silent, before they fail or go on without it: 42 otherwise.
  'network.ping-timeout': 2,
  // How long bricks keep the locks of a client that is silent: 42, and 20 until they begin to ask, otherwise.
  'server.tcp-user-timeout': 3,
  'server.keepalive-time': 2,
  'server.keepalive-interval': 1,
  'server.keepalive-count': 3,
  // A brick is full when its file system is: otherwise it says so at 1 % left, and looks every 5 s.
  'storage.reserve': 0,
  // The self-heal daemon looks by itself for what a brick missed: every 600 otherwise.
  'cluster.heal-timeout': 5,
};

/**
 * A GlusterFS volume, replica 3, served by one host with three addresses: a brick behind each, on a small file system in memory. One glusterd
 * manages all three; reading and writing needs it only for mounting.
 */
export class GlusterVolume {
  readonly host: Host;
  readonly bricks: readonly Brick[];
  readonly #daemon: HostProcess;

  private constructor(host: Host, bricks: readonly Brick[], daemon: HostProcess) {
    this.host = host;
    this.bricks = bricks;
    this.#daemon = daemon;
  }

  /**
   * Makes and starts the volume; about 3.5 s.
   *
   * @param host with three addresses
   * @param megabytes the size of each brick; memory is used as files fill it
   * @param settings further settings of the volume, or others than {@link SETTINGS}
   * @throws Error with what gluster said
   */
  static async make(
    host: Host,
    megabytes = 512,
    settings: Readonly<Record<string, string | number>> = {},
  ): Promise<GlusterVolume> {
    if (host.addresses.length !== BRICKS)
      throw new Error(`the storage host needs ${BRICKS} addresses, not ${host.addresses.length}`);
    // Where glusterd keeps its state, its sockets and its logs: of this host alone.
    for (const path of ['/var/lib/glusterd', '/run', '/var/log/glusterfs'])
      await host.run('mount', ['-t', 'tmpfs', 'none', path]);
    await host.run('mkdir', ['-p', '/run/gluster']);
    const bricks: Brick[] = [];
    for (const [index, address] of host.addresses.entries())
      bricks.push(await Brick.prepare(host, address, index + 1, megabytes));
    const volume = new GlusterVolume(host, bricks, await startDaemon(host));
    await volume.#begin({ ...SETTINGS, ...settings });
    return volume;
  }

  /**
   * Mounts the volume on a host, below its directory. The mount's process runs in the host's network.
   *
   * @param hard when the host is cut off, its storage calls hang until it is not any longer, as with a hard mount of NFS, and who waits in one can't be killed.
   *   Without it they fail with ENOTCONN after the time-out of the volume.
   */
  async mount(host: Host, hard = false): Promise<StorageMount> {
    return await StorageMount.make(host, this.host.addresses, NAME, hard);
  }

  /** Starts the bricks that were killed, and waits until they serve. Clients come back by themselves, within about 3 s. */
  async startBricks(): Promise<void> {
    await this.#gluster('volume', 'start', NAME, 'force');
    await eventually(async () => {
      const running = await Promise.all(this.bricks.map((brick) => brick.isOnline()));
      return running.every(Boolean);
    });
  }

  /** How many entries the bricks still have to copy from each other; undefined while they can't tell. */
  async entriesToHeal(): Promise<number | undefined> {
    const text = await this.#gluster('volume', 'heal', NAME, 'info');
    const counts = [...text.matchAll(/^Number of entries: (\d+)$/gm)].map((match) => Number(match[1]));
    return counts.length === this.bricks.length ? counts.reduce((sum, count) => sum + count, 0) : undefined;
  }

  /** Runs a command of gluster's own tool. */
  async #gluster(...words: string[]): Promise<string> {
    return await this.host.run('gluster', ['--mode=script', ...words]);
  }

  async #begin(settings: Readonly<Record<string, string | number>>): Promise<void> {
    await eventually(async () => {
      if (this.#daemon.hasEnded) throw new Error(`glusterd ended: ${await this.#daemon.log()}`);
      return await this.#gluster('volume', 'list').then(
        () => true,
        () => false,
      );
    });
    const places = this.bricks.map((brick) => brick.place);
    // All bricks on one server: gluster asks for force.
    await this.#gluster('volume', 'create', NAME, 'replica', `${BRICKS}`, ...places, 'force');
    const pairs = Object.entries(settings).flatMap(([name, value]) => [name, `${value}`]);
    await this.#gluster('volume', 'set', NAME, ...pairs);
    await this.#gluster('volume', 'start', NAME);
  }
}

/**
 * glusterd leaves its bricks to be waited for by the process 1, and believes what /proc says of a number it wrote down: both are sure in a space
 * of process numbers of its own, where a shell is number 1, and ends with its input.
 */
async function startDaemon(host: Host): Promise<HostProcess> {
  const script = 'exec 3<&0; cat <&3 >/dev/null & /usr/sbin/glusterd --no-daemon --log-level=WARNING & wait';
  return await host.start('glusterd', 'unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script]);
}
