import { join } from 'node:path';
import { programImage, type SystemImage } from './images.ts';
import { Machine } from './machine.ts';
import { makeNetworks } from './network.ts';
import { sh } from './shell.ts';

/** Where a client mounts the share. */
export const MOUNT = '/mnt/share';

/** The session path of the fleet on it. */
export const SESSIONS = `${MOUNT}/sessions`;

const SERVER = 1;
/** Megabytes of memory: the server's page cache; a client with Node and a browser. */
const SERVER_MEMORY = 768;
const CLIENT_MEMORY = 1536;

/** A file server and the clients that mount it, in networks of their own. */
export class MachineFleet {
  readonly directory: string;
  readonly server: Machine;
  readonly #system: SystemImage;
  readonly #machines = new Set<Machine>();

  private constructor(directory: string, system: SystemImage, server: Machine) {
    this.directory = directory;
    this.#system = system;
    this.server = server;
    this.#machines.add(server);
  }

  /**
   * Makes the networks, the program's disk and the server's disk, and starts the server.
   *
   * @param directory where its files go
   */
  static async start(system: SystemImage, directory: string): Promise<MachineFleet> {
    await makeNetworks();
    const program = join(directory, 'program.ext4');
    await programImage(program);
    const disk = join(directory, 'share.ext4');
    await sh('mke2fs', ['-q', '-t', 'ext4', disk, '4G']);
    const server = await Machine.start({
      ...{ name: 'server', number: SERVER, role: 'server', memory: SERVER_MEMORY },
      ...{ system, program, directory, disk },
    });
    return new MachineFleet(directory, system, server);
  }

  /**
   * Starts a machine that can mount the share.
   *
   * @param number 2 to 200, its own
   * @param kernelWords more words for its kernel's command line
   */
  async client(name: string, number: number, kernelWords: string[] = []): Promise<Machine> {
    const machine = await Machine.start({
      ...{ name, number, role: 'client', memory: CLIENT_MEMORY, kernelWords },
      ...{ system: this.#system, program: join(this.directory, 'program.ext4'), directory: this.directory },
    });
    this.#machines.add(machine);
    return machine;
  }

  /** Mounts the share on a client, with these options beyond `vers=4.1`. Answers the options that the kernel shows. */
  async mount(client: Machine, options: string): Promise<string> {
    const all = ['vers=4.1', options].filter((part) => part !== '').join(',');
    await client.sh(`mkdir -p ${MOUNT}; mount -t nfs4 -o ${all} ${this.server.data}:/ ${MOUNT}`);
    return await client.sh(`findmnt -n -o OPTIONS ${MOUNT}`);
  }

  async unmount(client: Machine): Promise<void> {
    // A worker that was just killed may still be letting go of its files.
    await client.sh(`for i in $(seq 20); do umount ${MOUNT} && exit; sleep 0.5; done; umount -l ${MOUNT}`);
  }

  async powerOff(machine: Machine): Promise<void> {
    await machine.powerOff();
    this.#machines.delete(machine);
  }

  /** Ends every machine. */
  async close(): Promise<void> {
    for (const machine of [...this.#machines].reverse()) await this.powerOff(machine);
  }
}
