import type { Host } from '../hosts/host.ts';
import type { HostProcess } from '../hosts/host-process.ts';
import type { StorageMount } from '../hosts/storage-mount.ts';

/** A router on a host of its own, with its mount of the storage. */
export class RouterHost {
  readonly id: string;
  readonly host: Host;
  readonly mount: StorageMount;
  readonly url: string;
  readonly #main: string;
  readonly #env: Readonly<Record<string, string>>;
  #process: HostProcess | undefined;

  constructor(
    host: Host,
    mount: StorageMount,
    main: string,
    port: number,
    env: Readonly<Record<string, string>>,
  ) {
    this.id = host.name;
    this.host = host;
    this.mount = mount;
    this.url = `http://${host.address}:${port}`;
    this.#main = main;
    this.#env = { ...env, PORT: `${port}` };
  }

  /** Starts it, and waits until it listens. */
  async start(): Promise<void> {
    this.#process = await this.host.start('router', process.execPath, [this.#main], this.#env);
    await this.#process.ready(60_000);
  }

  get process(): HostProcess {
    if (this.#process === undefined) throw new Error(`${this.id} was not started yet`);
    return this.#process;
  }
}
