import { networkInterfaces } from 'node:os';
import { command, tryCommand } from './command.ts';
import { Namespace } from './namespace.ts';

/** What has addresses in a {@link Network}. */
export interface Addressed {
  readonly addresses: readonly string[];
}

/** Pairs of addresses whose packets are dropped on the bridge: silence, as when a cable is cut, and no refusal. */
const RULES = `
table bridge wharf {
  set cuts { type ipv4_addr . ipv4_addr; }
  set isolated { type ipv4_addr; }
  chain drops {
    ip saddr . ip daddr @cuts drop
    ip saddr @isolated drop
    ip daddr @isolated drop
  }
  chain forward { type filter hook forward priority 0; jump drops; }
}
`;

/**
 * A switch in a namespace of its own, 10.77.N.0/24, with this machine at 10.77.N.1. N is free when it is made; of two who want
 * the same N, the kernel lets one have it.
 */
export class Network {
  readonly #namespace: Namespace;
  readonly #subnet: string;
  /** `from . to`, as nftables writes it. */
  readonly #cuts = new Set<string>();
  readonly #isolated = new Set<string>();
  #ports = 0;

  private constructor(namespace: Namespace, subnet: string) {
    this.#namespace = namespace;
    this.#subnet = subnet;
  }

  /** @param random a number in [0, 1) where the search for a free network begins */
  static async make(random: number): Promise<Network> {
    const namespace = await Namespace.make('switch');
    const taken = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const first = Math.floor(random * 254);
    for (let attempt = 0; attempt < 254; attempt++) {
      const number = 1 + ((first + attempt) % 254);
      const subnet = `10.77.${number}.`;
      if (taken.some(({ address }) => address.startsWith(subnet))) continue;
      const link = `wharf-${number}`;
      const { code, stderr } = await tryCommand('ip', [
        ...['link', 'add', link, 'type', 'veth', 'peer', 'name', 'outside', 'netns', `${namespace.keeper}`],
      ]);
      if (code !== 0 && stderr.includes('File exists')) continue;
      if (code !== 0) throw new Error(`no link into the namespace: ${stderr.trim()}`);
      await command('ip', ['-batch', '-'], `addr add ${subnet}1/24 dev ${link}\nlink set ${link} up\n`);
      const network = new Network(namespace, subnet);
      await network.#ip(
        'link add bridge type bridge\nlink set bridge up\nlink set outside master bridge up\n',
      );
      await network.#nft(RULES);
      return network;
    }
    throw new Error('all networks 10.77.1.0/24 to 10.77.254.0/24 are taken on this machine');
  }

  /** The namespace of the switch, for the guard. */
  get id(): string {
    return this.#namespace.id;
  }

  /** The address of this machine, from which tests speak to the hosts. */
  get ownAddress(): string {
    return `${this.#subnet}1`;
  }

  /**
   * Plugs a namespace in.
   *
   * @param count how many addresses it gets
   * @returns its addresses
   */
  async join(namespace: Namespace, count: number): Promise<string[]> {
    const first = 10 + this.#ports;
    this.#ports += count;
    const addresses = Array.from({ length: count }, (_, index) => `${this.#subnet}${first + index}`);
    const port = `port-${first}`;
    await this.#ip(
      `link add ${port} type veth peer name eth0 netns ${namespace.keeper}\nlink set ${port} master bridge up\n`,
    );
    const lines = addresses.map((address) => `addr add ${address}/24 dev eth0`);
    await inside(
      namespace,
      'ip',
      ['-batch', '-'],
      ['link set lo up', ...lines, 'link set eth0 up'].join('\n'),
    );
    return addresses;
  }

  /** Cuts what one sends to the other, and nothing else. Packets just vanish, those of open connections too. */
  async cutOneWay(from: Addressed, to: Addressed): Promise<void> {
    for (const pair of pairs(from, to)) this.#cuts.add(pair);
    await this.#apply();
  }

  /** Cuts two off from each other, both ways. */
  async cut(one: Addressed, other: Addressed): Promise<void> {
    for (const pair of [...pairs(one, other), ...pairs(other, one)]) this.#cuts.add(pair);
    await this.#apply();
  }

  /** Undoes every cut between two. */
  async heal(one: Addressed, other: Addressed): Promise<void> {
    for (const pair of [...pairs(one, other), ...pairs(other, one)]) this.#cuts.delete(pair);
    await this.#apply();
  }

  /** Unplugs one: it is cut off from everybody, this machine included. */
  async isolate(one: Addressed): Promise<void> {
    for (const address of one.addresses) this.#isolated.add(address);
    await this.#apply();
  }

  /** Undoes {@link Network.isolate}. */
  async rejoin(one: Addressed): Promise<void> {
    for (const address of one.addresses) this.#isolated.delete(address);
    await this.#apply();
  }

  /** Undoes every cut and isolation. */
  async healAll(): Promise<void> {
    this.#cuts.clear();
    this.#isolated.clear();
    await this.#apply();
  }

  close(): void {
    this.#namespace.close();
  }

  /** All cuts in one step: nftables applies a file as a whole or not at all. */
  async #apply(): Promise<void> {
    const fill = (name: string, elements: ReadonlySet<string>) =>
      `flush set bridge wharf ${name}\n` +
      (elements.size === 0 ? '' : `add element bridge wharf ${name} { ${[...elements].join(', ')} }\n`);
    await this.#nft(fill('cuts', this.#cuts) + fill('isolated', this.#isolated));
  }

  async #ip(batch: string): Promise<void> {
    await inside(this.#namespace, 'ip', ['-batch', '-'], batch);
  }

  async #nft(rules: string): Promise<void> {
    await inside(this.#namespace, 'nft', ['-f', '-'], rules);
  }
}

/** Runs a program in a namespace to its end. */
export async function inside(
  namespace: Namespace,
  program: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const [enter, ...words] = namespace.enter();
  return await command(enter as string, [...words, program, ...args], input);
}

function pairs(from: Addressed, to: Addressed): string[] {
  return from.addresses.flatMap((source) => to.addresses.map((target) => `${source} . ${target}`));
}
