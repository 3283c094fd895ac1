import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandResult, command, tryCommand } from '../../chaos/hosts/command.ts';
import { BRIDGE, hostsFile, networkFile } from './network.ts';

/** How long a machine may take to boot, or to shut down, milliseconds: this one may have other things to do. */
const PATIENCE = 300_000;
/** systemd-nspawn's exit code when the machine wants to boot again (its manual, `--keep-unit`). */
const REBOOT = 133;

/** Puts itself into control groups, up to `--`, and becomes the program after it. */
const ENTER = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"';

export interface MachineOptions {
  name: string;
  /** 1 to 200: its address is 10.79.0.NUMBER. */
  number: number;
  /** All machines by name, for its /etc/hosts. */
  peers: Readonly<Record<string, number>>;
  /** The Debian system it is made of. */
  root: string;
  /** Where its own files go. */
  directory: string;
  /** Control groups that it may make its own in. */
  groups: readonly string[];
  /** Directories of this machine that it sees: its path there, and ours. */
  binds?: Readonly<Record<string, string>>;
}

/** A Debian machine under systemd: its own processes, network, control groups and files; the kernel is shared. Files outlive its boots. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly #options: MachineOptions;
  readonly #groups: string[];
  readonly #root: string;
  #nspawn: ChildProcess | undefined;
  #leader = 0;

  /** Makes its file system; {@link boot} starts it. */
  static async make(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    await machine.#prepare();
    return machine;
  }

  private constructor(options: MachineOptions) {
    this.name = options.name;
    this.address = `10.79.0.${options.number}`;
    this.#options = options;
    this.#groups = options.groups.map((group) => join(group, options.name));
    this.#root = join(options.directory, options.name, 'root');
  }

  async #prepare(): Promise<void> {
    const place = dirname(this.#root);
    const [upper, work] = [join(place, 'upper'), join(place, 'work')];
    for (const path of [upper, work, this.#root, ...this.#groups]) await mkdir(path, { recursive: true });
    const layers = `lowerdir=${this.#options.root},upperdir=${upper},workdir=${work}`;
    await command('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.#root]);
    const { name, peers } = this.#options;
    await this.#write('etc/hostname', `${name}\n`);
    await this.#write('etc/hosts', hostsFile(peers));
    await this.#write('etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
    await this.#write('etc/systemd/network/10-host0.network', networkFile(this.address));
    // Its disk is thrown away: dpkg need not wait until each file is on it.
    await this.#write('etc/dpkg/dpkg.cfg.d/quick', 'force-unsafe-io\n');
  }

  async #write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.#root, path)), { recursive: true });
    await writeFile(join(this.#root, path), text);
  }

  /** A path of the machine as this process can open it. What it has mounted does not show there. */
  outside(path: string): string {
    return join(this.#root, path);
  }

  get isOn(): boolean {
    return this.#nspawn !== undefined;
  }

  /** Starts it, and waits until systemd has started all that it was to start. Answers what took how long, in milliseconds. */
  async boot(): Promise<number> {
    const begun = performance.now();
    await this.switchOn();
    await this.booted();
    return performance.now() - begun;
  }

  /** Starts it, and waits until systemd answers. */
  async switchOn(): Promise<void> {
    // The plug of its last boot may still be there: the kernel takes networks down when it has the time.
    await tryCommand('ip', ['link', 'del', `vb-${this.name}`]);
    const log = await open(join(dirname(this.#root), 'console.log'), 'a');
    const binds = Object.entries({ '/dev/fuse': '/dev/fuse', ...this.#options.binds });
    const child = spawn(
      'sh',
      [
        ...['-c', ENTER, 'sh', ...this.#groups, '--'],
        ...['systemd-nspawn', '--boot', '--register=no', '--keep-unit', `--directory=${this.#root}`],
        ...[`--machine=${this.name}`, `--network-bridge=${BRIDGE}`, '--console=pipe', '--link-journal=no'],
        ...['--resolv-conf=off', '--timezone=off'],
        ...binds.map(([inside, outside]) => `--bind=${outside}:${inside}`),
      ],
      { stdio: ['ignore', log.fd, log.fd] },
    );
    await log.close();
    this.#nspawn = child;
    this.#leader = 0;
    child.once('exit', () => {
      if (this.#nspawn === child) this.#nspawn = undefined;
    });
    const end = performance.now() + PATIENCE;
    for (;;) {
      this.#leader = await leaderOf(child.pid ?? 0);
      if (this.#leader !== 0 && (await this.#answers())) return;
      if (!this.isOn) throw new Error(`${this.name} did not boot:\n${await this.console()}`);
      if (performance.now() > end) throw new Error(`${this.name} does not boot:\n${await this.console()}`);
      await sleep(50);
    }
  }

  async #answers(): Promise<boolean> {
    const { stdout } = await this.try(['systemctl', 'is-system-running']);
    return !['', 'offline', 'unknown'].includes(stdout.trim());
  }

  /** Waits until systemd has nothing more to start. */
  async booted(): Promise<void> {
    await this.try(['systemctl', 'is-system-running', '--wait']);
  }

  /** What it wrote on its console, its last part. */
  async console(): Promise<string> {
    return (await readFile(join(dirname(this.#root), 'console.log'), 'utf8')).slice(-4000);
  }

  /** Runs a program in it to its end, as root. Answers what it printed; throws what it said when it failed. */
  async run(argv: readonly string[], input = ''): Promise<string> {
    const result = await this.try(argv, input);
    if (result.code !== 0)
      throw new Error(
        `${this.name}: ${argv.join(' ')} ended with ${result.code}:\n${(result.stderr || result.stdout).trim()}`,
      );
    return result.stdout;
  }

  /** The same, whatever its exit code. */
  async try(argv: readonly string[], input = ''): Promise<CommandResult> {
    const env = [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...['HOME=/root', 'LANG=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive', 'SYSTEMD_PAGER=', 'COLUMNS=160'],
    ];
    const enter = [`--target=${this.#leader}`, '--all', '--', 'env', '-C', '/', '-i', ...env];
    return await tryCommand('nsenter', [...enter, ...argv], input);
  }

  /** A line of shell, as {@link run}. */
  async sh(line: string): Promise<string> {
    return await this.run(['sh', '-ec', line]);
  }

  /** Boots it again, as an operator would. Answers when it has gone down, and when systemd has started everything, milliseconds from the beginning. */
  async reboot(): Promise<{ down: number; up: number }> {
    const begun = performance.now();
    await this.#leave(['systemctl', 'reboot'], REBOOT);
    const down = performance.now() - begun;
    await this.boot();
    return { down, up: performance.now() - begun };
  }

  /** Shuts it down, as an operator would. */
  async powerOff(): Promise<void> {
    await this.#leave(['systemctl', 'poweroff'], 0);
  }

  /** Takes its power: every process is gone at one moment, and nobody hears of it. */
  async cutPower(): Promise<void> {
    const child = this.#nspawn;
    if (child === undefined) return;
    await command('ip', ['link', 'set', `vb-${this.name}`, 'down']);
    const ended = once(child, 'exit');
    process.kill(this.#leader, 'SIGKILL');
    await ended;
  }

  async #leave(argv: readonly string[], expected: number): Promise<void> {
    const child = this.#nspawn;
    if (child === undefined) throw new Error(`${this.name} is off`);
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE) });
    // It may be gone before it has answered.
    await this.try(argv);
    const [code] = await ended;
    if (code !== expected)
      throw new Error(`${this.name}: ${argv.join(' ')} ended it with ${code}:\n${await this.console()}`);
  }
}

/** The first process of the machine that a systemd-nspawn runs, or 0 while it has none. */
async function leaderOf(nspawn: number): Promise<number> {
  const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').catch(() => '');
  for (const pid of children.trim().split(' ').reverse()) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'systemd') return Number(pid);
  }
  return 0;
}
