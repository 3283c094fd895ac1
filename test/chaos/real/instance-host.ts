import { z } from 'zod';
import { eventually } from '../../helpers/eventually.ts';
import { signalOne } from '../../helpers/processes.ts';
import type { Host } from '../hosts/host.ts';
import type { HostClock } from '../hosts/host-clock.ts';
import type { HostProcess } from '../hosts/host-process.ts';
import { alive, type SeenProcess, signalAll } from '../hosts/namespace.ts';
import type { StorageMount } from '../hosts/storage-mount.ts';

const readySchema = z.object({ instance: z.string(), url: z.string(), pid: z.number() });

/** How long an instance may take to be up, milliseconds: what it was before may have to lapse first. */
const START_PATIENCE = 90_000;

/** An instance on a host of its own: its supervisor, its process, its browsers, and its mount of the storage. */
export class InstanceHost {
  readonly id: string;
  readonly host: Host;
  readonly mount: StorageMount;
  readonly clock: HostClock | undefined;
  readonly #main: string;
  readonly #env: Readonly<Record<string, string>>;
  #supervisor: HostProcess | undefined;

  constructor(
    host: Host,
    mount: StorageMount,
    main: string,
    env: Readonly<Record<string, string>>,
    clock?: HostClock,
  ) {
    this.id = host.name;
    this.host = host;
    this.mount = mount;
    this.clock = clock;
    this.#main = main;
    this.#env = { ...env, ...clock?.env };
  }

  /** Starts its supervisor, and does not wait for the instance. */
  async start(): Promise<void> {
    this.#supervisor = await this.host.start('instance', process.execPath, [this.#main], this.#env);
  }

  /** The supervisor that was started last. Throws before the first. */
  get supervisor(): HostProcess {
    if (this.#supervisor === undefined) throw new Error(`${this.id} was not started yet`);
    return this.#supervisor;
  }

  /** Waits until the instance of this supervisor has been up, and runs. */
  async up(): Promise<void> {
    await eventually(async () => {
      if (this.supervisor.hasEnded)
        throw new Error(`the supervisor of ${this.id} ended: ${(await this.supervisor.log()).slice(-2000)}`);
      return await this.isUp();
    }, START_PATIENCE);
  }

  /** Whether supervisor and instance run. */
  async isUp(): Promise<boolean> {
    const pid = this.#supervisor === undefined || this.#supervisor.hasEnded ? undefined : this.#latestPid;
    return pid !== undefined && (await alive([pid])).length === 1;
  }

  /** The pid of the instance's process, as its supervisor said last. Throws where it was never up. */
  get pid(): number {
    const pid = this.#latestPid;
    if (pid === undefined) throw new Error(`${this.id} was never up`);
    return pid;
  }

  /** Its browsers: of each the first process, not its helpers. */
  async browsers(): Promise<SeenProcess[]> {
    return (await this.host.processes()).filter(isBrowser);
  }

  /** Every process of all browsers. */
  async browserProcesses(): Promise<SeenProcess[]> {
    return (await this.host.processes()).filter(({ command }) =>
      command.some((word) => word.includes('--user-data-dir=') || word.includes('--type=')),
    );
  }

  /** SIGKILL to the instance's process alone. */
  killInstance(): void {
    process.kill(this.pid, 'SIGKILL');
  }

  /** A signal to the instance's process alone. Nothing where it is gone. */
  signalInstance(signal: NodeJS.Signals): void {
    signalOne(this.pid, signal);
  }

  /** SIGSTOP to all browsers' processes. Answers whom to wake. */
  async stopBrowsers(): Promise<number[]> {
    return await signalAll(async () => (await this.browserProcesses()).map(({ pid }) => pid), 'SIGSTOP');
  }

  get #latestPid(): number | undefined {
    const line = this.#supervisor?.lines.filter((text) => text.startsWith('{')).at(-1);
    return line === undefined ? undefined : readySchema.parse(JSON.parse(line)).pid;
  }
}

function isBrowser({ command }: SeenProcess): boolean {
  const words = command.flatMap((word) => word.split(' '));
  return (
    words.some((word) => word.startsWith('--user-data-dir=')) &&
    !words.some((word) => word.startsWith('--type='))
  );
}
