import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../helpers/eventually.ts';
import type { Host } from './host.ts';
import type { HostRedis } from './redis-server.ts';

const PORT = 26379;
const MASTER = 'wharf';

/** Sentinels that watch one master: they fail over about 2 s after it went silent. */
export class Sentinels {
  readonly hosts: readonly Host[];

  private constructor(hosts: readonly Host[]) {
    this.hosts = hosts;
  }

  /**
   * Starts one on each host, and waits until they know each other and the replicas.
   *
   * @param hosts three; a majority of them decides
   */
  static async start(hosts: readonly Host[], master: HostRedis, replicas: number): Promise<Sentinels> {
    const quorum = Math.floor(hosts.length / 2) + 1;
    await Promise.all(
      hosts.map(async (host) => {
        const file = join(host.directory, 'sentinel.conf');
        const lines = [
          `port ${PORT}`,
          'protected-mode no',
          `dir ${host.directory}`,
          `sentinel monitor ${MASTER} ${master.host.address} ${master.port} ${quorum}`,
          `sentinel down-after-milliseconds ${MASTER} 1000`,
          // An election that nobody wins is held again after twice this.
          `sentinel failover-timeout ${MASTER} 1500`,
        ];
        // Sentinel writes what it learns into the same file.
        await writeFile(file, `${lines.join('\n')}\n`);
        await host.start('sentinel', 'redis-sentinel', [file]);
      }),
    );
    const sentinels = new Sentinels(hosts);
    await eventually(async () => {
      const all = await Promise.all(hosts.map((host) => sentinels.#master(host).catch(() => undefined)));
      return all.every(
        (fields) =>
          fields?.get('num-slaves') === `${replicas}` &&
          fields.get('num-other-sentinels') === `${hosts.length - 1}`,
      );
    });
    return sentinels;
  }

  /** Where clients ask for the master: `host:port` of each sentinel. */
  get addresses(): string[] {
    return this.hosts.map((host) => `${host.address}:${PORT}`);
  }

  /** What clients ask for. */
  get masterName(): string {
    return MASTER;
  }

  /** The address that a sentinel names as the master's now. */
  async masterAddress(host: Host): Promise<string | undefined> {
    return (await this.#master(host)).get('ip');
  }

  /** Waits until all sentinels on hosts that run name another master than before. Answers its address. */
  async failedOver(from: HostRedis, asking: readonly Host[] = this.hosts): Promise<string> {
    let address: string | undefined;
    await eventually(async () => {
      const named = new Set(await Promise.all(asking.map((host) => this.masterAddress(host))));
      [address] = named;
      return named.size === 1 && address !== undefined && address !== from.host.address;
    });
    return address as string;
  }

  async #master(host: Host): Promise<Map<string, string>> {
    const text = await host.run('redis-cli', ['-e', '-p', `${PORT}`, 'SENTINEL', 'MASTER', MASTER]);
    const words = text.trimEnd().split('\n');
    const fields = new Map<string, string>();
    for (let index = 0; index + 1 < words.length; index += 2)
      fields.set(words[index] as string, words[index + 1] as string);
    return fields;
  }
}
