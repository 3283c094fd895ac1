import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnv } from '../../../common/env.ts';
import { eventually } from '../../helpers/eventually.ts';
import { HostProcess } from './host-process.ts';
import { alive, type Namespace, type SeenProcess, seen, signalAll } from './namespace.ts';
import { type Addressed, inside } from './network.ts';

/**
 * A machine as far as Wharf can tell: an address, a host name, mounts and a directory of its own. What it shares with the other
 * hosts is the kernel, its clock, its process numbers (a test can signal any process) and the files outside its mounts.
 */
export class Host implements Addressed {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Files of this host: logs, temporary files, mount points. Short, since sockets are made in it. */
  readonly directory: string;
  readonly namespace: Namespace;

  constructor(name: string, addresses: readonly string[], directory: string, namespace: Namespace) {
    this.name = name;
    this.addresses = addresses;
    this.directory = directory;
    this.namespace = namespace;
  }

  /** Its first address. */
  get address(): string {
    return this.addresses[0] as string;
  }

  /**
   * Starts a program on this host.
   *
   * @param name names its log file: `{directory}/{name}.log`
   * @param env added to this process's environment
   */
  async start(
    name: string,
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<HostProcess> {
    const temporary = join(this.directory, 'tmp');
    const workingDirectory = join(this.directory, 'run');
    await mkdir(temporary, { recursive: true });
    await mkdir(workingDirectory, { recursive: true });
    return new HostProcess(program, args, {
      namespace: this.namespace,
      workingDirectory,
      env: { ...readEnv(), TMPDIR: temporary, ...env },
      logFile: join(this.directory, `${name}.log`),
    });
  }

  /** Runs a program on this host to its end, and answers its standard output. Throws when it fails. */
  async run(program: string, args: readonly string[], input = ''): Promise<string> {
    return await inside(this.namespace, program, args, input);
  }

  /** A path of this host as this test's process can open it: mounts of a host show on no other. Beware of mounts that hang. */
  outside(path: string): string {
    return this.namespace.outside(path);
  }

  /** Every process that runs on this host, whoever started it, orphans and mounts too. */
  async processes(): Promise<SeenProcess[]> {
    return await seen(await alive(await this.namespace.pids()));
  }

  /** Those whose command line holds a text in one of its words. */
  async processesWith(text: string): Promise<SeenProcess[]> {
    return (await this.processes()).filter(({ command }) => command.some((word) => word.includes(text)));
  }

  /** Sends a signal to every process of this host, its mounts' too. */
  async signalAll(signal: NodeJS.Signals): Promise<number[]> {
    return await signalAll(() => this.namespace.pids(), signal);
  }

  /**
   * Every process is gone at one moment, the mounts with them, and the connections. Its files and its address stay. The others see the connections
   * closed; where they must not hear of it, as when the power fails, isolate the host before.
   */
  async killAll(): Promise<void> {
    // Stopped first: otherwise one would see another die, and act on it.
    const pids = await this.signalAll('SIGSTOP');
    await signalAll(() => alive(pids), 'SIGKILL');
    await eventually(async () => (await alive(pids)).length === 0);
    // The kernel would go on sending what a dead process had written, for minutes, as soon as the network lets it.
    await eventually(async () => {
      const left = await this.run('ss', ['-HKtan', 'exclude', 'listening', 'exclude', 'time-wait']);
      return left.trim() === '';
    });
  }
}
