import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnv } from '../../../common/env.ts';
import { AGENT_PORT } from '../guest/agent-protocol.ts';
import { GuestProcess } from './guest-process.ts';
import type { SystemImage } from './images.ts';
import { addressesOf, makePlugs, plug, removePlugs } from './network.ts';

/** How long a machine may take to boot, milliseconds: emulated, and on a machine that does other things too. */
const BOOT = 300_000;

export interface MachineOptions {
  /** Its host name. */
  name: string;
  /** 1 to 200: tells addresses and plugs apart. */
  number: number;
  role: 'server' | 'client';
  system: SystemImage;
  /** The disk with the program, shared by all. */
  program: string;
  /** Where its console's log goes, and the file with what it writes to its system's disk. */
  directory: string;
  /** Megabytes. */
  memory: number;
  /** Another disk, written to. */
  disk?: string;
  /** More words for the kernel's command line. */
  kernelWords?: string[];
}

/** A virtual machine of one emulated core. What it writes to its system is forgotten with it. */
export class Machine {
  readonly name: string;
  readonly data: string;
  readonly control: string;
  /** Where logs of what runs in it go. */
  readonly directory: string;
  readonly #qemu: ChildProcess;
  readonly #plugs: { data: string; control: string };
  readonly #console: string;
  readonly #processes = new Set<GuestProcess>();

  /** Starts it; {@link ready} tells when it has booted. */
  static async start(options: MachineOptions): Promise<Machine> {
    return new Machine(options, await makePlugs(options.number));
  }

  private constructor(options: MachineOptions, plugs: { data: string; control: string }) {
    const { data, control } = addressesOf(options.number);
    this.name = options.name;
    this.data = data;
    this.control = control;
    this.directory = options.directory;
    this.#plugs = plugs;
    this.#console = join(options.directory, `${options.number}-${options.name}.console.log`);
    const words = [
      'root=/dev/vda rw init=/sbin/wharf-init console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off',
      `wharf.name=${options.name} wharf.role=${options.role} wharf.data=${data} wharf.control=${control}`,
      ...(options.kernelWords ?? []),
    ];
    const disks = [`file=${options.system.root},snapshot=on`, `file=${options.program},readonly=on`];
    if (options.disk !== undefined) disks.push(`file=${options.disk},cache=unsafe`);
    this.#qemu = spawn(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg,tb-size=256', '-cpu', 'max', '-smp', '1', '-m', String(options.memory)],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
        ...['-serial', `file:${this.#console}`, '-device', 'virtio-rng-pci'],
        ...['-kernel', options.system.kernel, '-initrd', options.system.initrd, '-append', words.join(' ')],
        ...disks.flatMap((disk) => ['-drive', `if=virtio,format=raw,file.locking=off,${disk}`]),
        ...[plugs.data, plugs.control].flatMap((name, index) => [
          ...['-netdev', `tap,id=net${index},ifname=${name},script=no,downscript=no`],
          ...[
            '-device',
            `virtio-net-pci,netdev=net${index},mac=52:54:00:00:0${index}:${hex(options.number)}`,
          ],
        ]),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...readEnv(), TMPDIR: options.directory } },
    );
    let said = '';
    this.#qemu.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    this.#qemu.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL')
        process.stderr.write(`${options.name}: QEMU ended with ${code ?? signal}: ${said}\n`);
    });
  }

  /** False once its power is off. */
  get isOn(): boolean {
    return this.#qemu.exitCode === null && this.#qemu.signalCode === null;
  }

  /** Resolves when its agent answers. Throws with the end of its console's log when it does not. */
  async ready(): Promise<void> {
    const end = performance.now() + BOOT;
    while (performance.now() < end && this.#qemu.exitCode === null) {
      if (await answers(this.control)) return;
      await sleep(250);
    }
    const log = await readFile(this.#console, 'utf8').catch(() => '');
    throw new Error(`The machine ${this.name} did not come up. Its console:\n${log.slice(-3000)}`);
  }

  /** Starts a program in it. */
  async start(argv: string[], env: Record<string, string> = {}): Promise<GuestProcess> {
    const started = await GuestProcess.start(this.control, argv, env);
    this.#processes.add(started);
    started.once('end', () => this.#processes.delete(started));
    return started;
  }

  /** Runs a shell script in it to its end. Answers what it printed; throws when it failed. */
  async sh(script: string): Promise<string> {
    const process = await this.start(['/bin/bash', '-c', script]);
    process.endInput();
    const { code, out, errors } = await process.ended;
    if (code !== 0) throw new Error(`${this.name}: ${script} ended with ${code}:\n${errors.trim()}`);
    return out.trim();
  }

  /** Pulls the plug of its data network; what steers it still answers. */
  async cutOff(): Promise<void> {
    await plug(this.#plugs.data, false);
  }

  async reconnect(): Promise<void> {
    await plug(this.#plugs.data, true);
  }

  /** Takes its power away: nothing that it has in memory is written any more. */
  async powerOff(): Promise<void> {
    for (const process of [...this.#processes]) process.kill();
    if (this.isOn) {
      const ended = once(this.#qemu, 'exit');
      this.#qemu.kill('SIGKILL');
      await ended;
    }
    await removePlugs(this.#plugs).catch(() => {});
  }
}

async function answers(control: string): Promise<boolean> {
  const socket = connect({ host: control, port: AGENT_PORT, timeout: 2000 });
  return await new Promise((resolve) => {
    const end = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

function hex(number: number): string {
  return number.toString(16).padStart(2, '0');
}
