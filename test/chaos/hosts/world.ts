import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guard } from './guard.ts';
import { Host } from './host.ts';
import { Namespace } from './namespace.ts';
import { Network } from './network.ts';

/**
 * Hosts on one network, all on this machine. Nothing of them outlives this process: namespaces have no names outside, and a guard kills
 * what runs in them and removes the directory when {@link World.close} is called, or when this process dies.
 */
export class World {
  readonly directory: string;
  readonly network: Network;
  readonly #guard: Guard;
  readonly #hosts = new Map<string, Host>();

  private constructor(directory: string, network: Network, guard: Guard) {
    this.directory = directory;
    this.network = network;
    this.#guard = guard;
  }

  /**
   * Makes a network with hosts on it; about 50 ms a host.
   *
   * @param hosts host names, with how many addresses each has (1 where a list is given)
   * @param random in [0, 1): where the search for a free network begins
   * @throws Error when this machine can't; see `whyNoHosts`
   */
  static async make(
    hosts: readonly string[] | Readonly<Record<string, number>>,
    random = Math.random(),
  ): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-hosts-'));
    const guard = new Guard(directory);
    try {
      const network = await Network.make(random);
      guard.watch(network.id);
      const world = new World(directory, network, guard);
      const wanted = Array.isArray(hosts) ? hosts.map((name) => [name, 1] as const) : Object.entries(hosts);
      for (const [name, addresses] of wanted) await world.add(name, addresses);
      return world;
    } catch (error) {
      await guard.close();
      throw error;
    }
  }

  /** Adds a host. */
  async add(name: string, addresses = 1): Promise<Host> {
    if (this.#hosts.has(name)) throw new Error(`there is a host ${name} already`);
    const namespace = await Namespace.make(name);
    this.#guard.watch(namespace.id);
    const directory = join(this.directory, name);
    await mkdir(directory);
    const host = new Host(name, await this.network.join(namespace, addresses), directory, namespace);
    this.#hosts.set(name, host);
    return host;
  }

  /** A host by its name. Throws where there is none. */
  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}; there are ${[...this.#hosts.keys()]}`);
    return host;
  }

  get hosts(): Host[] {
    return [...this.#hosts.values()];
  }

  /** The process that cleans up. */
  get guardPid(): number {
    return this.#guard.pid;
  }

  /** Kills everything on the hosts, and removes hosts, network and files. Throws when something could not be ended. */
  async close(): Promise<void> {
    for (const { namespace } of this.hosts) namespace.close();
    this.network.close();
    await this.#guard.close();
  }
}
