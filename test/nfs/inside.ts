import { writeFile } from 'node:fs/promises';
import { SeededRandom } from '../helpers/random.ts';
import type { Found } from './found.ts';
import { MachineFleet as Fleet, type MachineFleet } from './machines/fleet.ts';
import type { SystemImage } from './machines/images.ts';
import type { Machine } from './machines/machine.ts';
import { Worker } from './machines/worker.ts';
import type { Part, ProofOptions } from './options.ts';
import { cutOff } from './parts/cut-off.ts';
import { failover, type Loss } from './parts/failover.ts';
import { hostNames, NAMINGS } from './parts/host-names.ts';
import { powerOff } from './parts/power-off.ts';
import { raceClaims } from './parts/races.ts';
import { serverRestart } from './parts/server-restart.ts';
import { claimDelay, LOOKS, replaceDelay } from './parts/visibility.ts';
import { load, tablesOf } from './report.ts';
import { brokenRules } from './rules.ts';
import { say } from './say.ts';

/** Seconds that a client is cut off: less than the server's lease of 90 s, and more. */
const AWAY = [45_000, 150_000];

/** Runs the parts on machines in this process's own namespaces. Answers the exit code. */
export async function inside(system: SystemImage, directory: string, options: ProofOptions): Promise<number> {
  const found: Found = {
    ...{ visibility: [], replaced: [], races: [], host_names: [] },
    ...{ cut_off: [], server_restart: [], power_off: [], failover: [] },
  };
  say(`seed ${options.seed}; load ${load()}; boots three machines`);
  const fleet = await Fleet.start(system, directory);
  try {
    const clients: [Machine, Machine] = [
      await fleet.client('client-a', 2),
      await fleet.client('client-b', 3),
    ];
    await Promise.all([fleet.server, ...clients].map((machine) => machine.ready()));
    say('all are up');
    await new Proof(fleet, clients, options, found).run();
  } finally {
    await fleet.close();
    process.stdout.write(`${tablesOf(found)}\n`);
    const about = {
      date: new Date().toISOString(),
      seed: options.seed,
      load: load(),
      versions: versionsOf(system),
    };
    for (const line of brokenRules(found)) process.stdout.write(`BROKEN ${line}\n`);
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify({ ...about, ...found }, null, 2)}\n`);
  }
  return brokenRules(found).length === 0 ? 0 : 1;
}

function versionsOf({ versions }: SystemImage): Record<string, string> {
  const shown = Object.entries(versions).filter(([name]) => /^(linux-image|nfs-|chromium-h)/.test(name));
  return { node: process.version, ...Object.fromEntries(shown) };
}

class Proof {
  readonly #fleet: MachineFleet;
  readonly #clients: [Machine, Machine];
  readonly #options: ProofOptions;
  readonly #found: Found;
  readonly #random: SeededRandom;

  constructor(fleet: MachineFleet, clients: [Machine, Machine], options: ProofOptions, found: Found) {
    this.#fleet = fleet;
    this.#clients = clients;
    this.#options = options;
    this.#found = found;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<void> {
    const wanted = (part: Part) => this.#options.parts.includes(part);
    if (wanted('visibility') || wanted('races'))
      for (const [index, mount] of this.#options.mounts.entries())
        await this.#mounted(mount, `m${index}`, wanted);
    if (wanted('host-names')) await this.#hostNames();
    if (wanted('cut-off')) await this.#cutOff();
    if (wanted('server-restart')) await this.#serverRestart();
    if (wanted('failover'))
      for (const loss of ['cut off', 'powered off'] as const) await this.#failover(loss);
    if (wanted('power-off')) await this.#powerOff();
  }

  async #mounted(mount: string, label: string, wanted: (part: Part) => boolean): Promise<void> {
    const { samples, races } = this.#options;
    await this.#withWorkers(mount, async ([writer, reader]) => {
      const between = { writer, reader, random: this.#random };
      if (wanted('visibility')) {
        for (const [index, how] of LOOKS.entries()) {
          const delay = await claimDelay(between, how, `${label}-${index}`, samples);
          this.#found.visibility.push({ mount, what: how, delay });
          say(`${mount}, ${how}: ${JSON.stringify(delay)}`);
        }
        const delay = await replaceDelay(between, label, samples * 5);
        this.#found.replaced.push({ mount, delay });
        say(`${mount}, replaced: ${JSON.stringify(delay)}`);
      }
      if (wanted('races')) {
        const found = await raceClaims([writer, reader], this.#random, `${label}-races`, races);
        this.#found.races.push({ mount, races: found });
        say(`${mount}, races: ${JSON.stringify(found)}`);
      }
    });
  }

  async #hostNames(): Promise<void> {
    for (const [index, naming] of NAMINGS.entries()) {
      const found = await hostNames(this.#fleet, this.#clients, naming, {
        random: this.#random,
        rounds: Math.ceil(this.#options.races / 4),
        label: `names-${index}`,
      });
      this.#found.host_names.push(found);
      say(`${naming}: ${JSON.stringify(found)}`);
    }
  }

  async #cutOff(): Promise<void> {
    await this.#withWorkers('lookupcache=positive', async ([, heir]) => {
      for (const away of AWAY) {
        const found = await cutOff({ owner: this.#clients[0], heir }, { workspace: `cut-${away}`, away });
        this.#found.cut_off.push(found);
        say(`cut off: ${JSON.stringify(found)}`);
      }
    });
  }

  async #serverRestart(): Promise<void> {
    await this.#withWorkers('lookupcache=positive', async ([client]) => {
      const found = await serverRestart({ server: this.#fleet.server, client }, 'restart');
      this.#found.server_restart.push(found);
      say(`server restarted: ${JSON.stringify(found)}`);
    });
  }

  async #failover(loss: Loss): Promise<void> {
    const door = await this.#fleet.client('client-c', 4);
    await door.ready();
    const machines: [Machine, Machine, Machine] = [...this.#clients, door];
    for (const machine of machines) await this.#fleet.mount(machine, 'lookupcache=positive');
    const found = await failover(this.#fleet, machines, loss);
    this.#found.failover.push(found);
    say(`failover, ${loss}: ${JSON.stringify(found)}`);
    // The next part finds machines as they are after a boot, and a session path without this fleet.
    await Promise.all(machines.map((machine) => this.#fleet.powerOff(machine)));
    await this.#fleet.server.sh(
      'mkdir -p /srv/share/old && mv /srv/share/sessions /srv/share/old/$(date +%s)-sessions && mkdir -m 0700 /srv/share/sessions',
    );
    this.#clients[0] = await this.#fleet.client('client-a', 2);
    this.#clients[1] = await this.#fleet.client('client-b', 3);
    await Promise.all(this.#clients.map((client) => client.ready()));
  }

  async #powerOff(): Promise<void> {
    const rounds = this.#options.rounds * 2;
    for (let round = 1; round <= rounds; round += 1) {
      await this.#withWorkers('lookupcache=positive', async ([, heir]) => {
        const found = await powerOff(
          {
            owner: this.#clients[0],
            heir,
            server: this.#fleet.server,
            remove: (machine) => this.#fleet.powerOff(machine),
          },
          { random: this.#random, workspace: `power-${round}`, delegations: round % 2 === 1 },
        );
        this.#found.power_off.push(found);
        say(`power off: ${JSON.stringify(found)}`);
      });
      if (round === rounds) break;
      // The same machine comes back, as machines do.
      this.#clients[0] = await this.#fleet.client('client-a', 2);
      await this.#clients[0].ready();
    }
  }

  /** Mounts the share on both clients, with a worker in each. A client that lost its power meanwhile is left alone. */
  async #withWorkers(mount: string, work: (workers: [Worker, Worker]) => Promise<void>): Promise<void> {
    const shown: string[] = [];
    for (const client of this.#clients) shown.push(await this.#fleet.mount(client, mount));
    say(`mounted: ${shown[0]}`);
    const workers: [Worker, Worker] = [
      await Worker.start(this.#clients[0]),
      await Worker.start(this.#clients[1]),
    ];
    try {
      await work(workers);
    } finally {
      for (const worker of workers) worker.end();
      for (const client of this.#clients) if (client.isOn) await this.#fleet.unmount(client);
    }
  }
}
