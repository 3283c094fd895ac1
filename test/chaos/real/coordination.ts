import type { Host } from '../hosts/host.ts';
import { HostRedis } from '../hosts/redis-server.ts';
import { Sentinels } from '../hosts/sentinels.ts';

/** The fleet's Redis: one server, or a master and a replica that three sentinels watch. */
export class FleetRedis {
  readonly servers: readonly HostRedis[];
  readonly sentinels: Sentinels | undefined;

  private constructor(servers: readonly HostRedis[], sentinels?: Sentinels) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async alone(host: Host): Promise<FleetRedis> {
    return new FleetRedis([await HostRedis.start(host)]);
  }

  /** @param hosts of the servers, of which the first is the master, and three for the sentinels */
  static async watched(hosts: readonly [Host, Host], sentinelHosts: readonly Host[]): Promise<FleetRedis> {
    const master = await HostRedis.start(hosts[0]);
    const replica = await HostRedis.start(hosts[1], master);
    return new FleetRedis([master, replica], await Sentinels.start(sentinelHosts, master, 1));
  }

  /** The only server, or the one that began as the master. */
  get first(): HostRedis {
    return this.servers[0] as HostRedis;
  }

  /** What all processes are told. */
  get url(): string {
    const { sentinels } = this;
    if (sentinels === undefined) return this.first.url;
    return `redis+sentinel://${sentinels.addresses.join(',')}/${sentinels.masterName}`;
  }

  /** The server that the sentinels name as the master, and the others. */
  async roles(): Promise<{ master: HostRedis; replicas: HostRedis[] }> {
    const [asked] = this.sentinels?.hosts ?? [];
    const address = asked === undefined ? undefined : await this.sentinels?.masterAddress(asked);
    const master = this.servers.find(({ host }) => host.address === address) ?? this.first;
    return { master, replicas: this.servers.filter((server) => server !== master) };
  }

  /** Starts again what was killed. */
  async mend(): Promise<void> {
    for (const server of this.servers) {
      const answers = await server.command('PING').then(
        () => true,
        () => false,
      );
      if (!answers) await server.startAgain();
    }
    if (this.sentinels === undefined) return;
    const { replicas } = await this.roles();
    for (const replica of replicas) await replica.inSync();
  }
}
