import type { LeaseHolder, Order } from '../../../fleet/coordination.ts';
import type { WorkspaceId } from '../../../fleet/ids.ts';
import { OwnershipKeeper } from '../../../instance/supervisor/keeper.ts';
import type { Worker } from '../../../instance/supervisor/worker.ts';
import { claimsOn } from './claims.ts';
import type { Environment } from './environment.ts';
import { InstanceProcess } from './instance-process.ts';
import { Process } from './process.ts';
import { coordinationOn } from './redis.ts';
import { silentLog } from './silent-log.ts';

/** An instance's process that does not answer for so long is ended by its supervisor, milliseconds. */
const PATIENCE = 2000;
/** One that misses its beats for so long is ended too. */
const BEATS_MISSED = 10_000;

/** An instance of the simulated world, on a host of its own: a supervisor with the real keeper of ownership, its process, and the browsers. */
export class SimulatedInstance {
  readonly id: string;
  readonly capacity: number;
  readonly #env: Environment;
  readonly #boot: string;
  readonly #predecessors: string[] = [];
  #supervisor: Process | undefined;
  #instance: InstanceProcess | undefined;
  #keeper: OwnershipKeeper | undefined;
  #stopping: AbortController | undefined;
  #incarnations = 0;

  constructor(env: Environment, id: string, capacity: number) {
    this.#env = env;
    this.id = id;
    this.capacity = capacity;
    this.#boot = `boot-${id}`;
  }

  /** Whether a router that reaches the host gets an answer. */
  get answers(): boolean {
    const process = this.#instance?.process;
    return process?.alive === true && !process.stopped;
  }

  /** Whether its process is there, running or stopped. */
  get isThere(): boolean {
    return this.#instance?.process.alive === true;
  }

  /** What it says of the storage. */
  get storageOk(): boolean {
    return this.#keeper?.status().storage_ok ?? true;
  }

  get isUp(): boolean {
    return this.#supervisor?.alive === true;
  }

  get sessions(): number {
    return this.answers ? (this.#instance?.workspaces ?? 0) : 0;
  }

  runs(workspace: WorkspaceId): boolean {
    return this.#browsers().some((browser) => browser.workspace === workspace && browser.connected);
  }

  /** A supervisor comes up, as systemd brings it. */
  start(): void {
    if (this.isUp) return;
    const supervisor = new Process(`supervisor of ${this.id}`, this.#env.time);
    this.#supervisor = supervisor;
    void this.#supervise(supervisor);
  }

  /** As `systemctl stop`: everything is closed and released. */
  stopCleanly(): void {
    this.#supervisor?.deliver(() => this.#stopping?.abort());
  }

  killSupervisor(): void {
    this.#supervisor?.kill();
    // Its channel closes: the instance's process ends itself, unless it is stopped.
    const instance = this.#instance;
    this.#env.time.after(5, () => instance?.process.deliver(() => instance.process.kill()));
  }

  killInstance(): void {
    this.#instance?.process.kill();
  }

  /** The host is lost: everything at one moment. */
  killAll(): void {
    this.#supervisor?.kill();
    for (const browser of this.#browsers()) browser.process.kill();
    this.#instance?.process.kill();
  }

  stop(what: readonly ('supervisor' | 'instance' | 'browsers')[]): void {
    if (what.includes('supervisor')) this.#supervisor?.stop();
    if (what.includes('instance')) this.#stopInstance();
    if (what.includes('browsers')) for (const browser of this.#browsers()) browser.stop();
  }

  /** Its supervisor misses its beats, and ends it. */
  #stopInstance(): void {
    const process = this.#instance?.process;
    if (!process) return;
    process.stop();
    this.#env.time.after(BEATS_MISSED, () =>
      this.#supervisor?.deliver(() => {
        if (process.stopped) process.kill();
      }),
    );
  }

  resume(): void {
    // The kernel wakes them in no order that anybody could count on.
    const wake = [
      () => this.#supervisor?.resume(),
      () => this.#instance?.process.resume(),
      () => {
        for (const browser of this.#browsers()) browser.resume();
      },
    ];
    if (this.#env.random.chance(0.5)) wake.reverse();
    for (const one of wake) one();
  }

  stepWallClock(milliseconds: number): void {
    if (this.#supervisor) this.#supervisor.wallStep += milliseconds;
  }

  poke(): void {
    this.#supervisor?.deliver(() => this.#keeper?.poke());
  }

  order(order: Order): void {
    this.#supervisor?.deliver(() => this.#keeper?.order(order));
  }

  async #supervise(supervisor: Process): Promise<void> {
    const env = this.#env;
    const stopping = new AbortController();
    this.#stopping = stopping;
    while (supervisor.alive) {
      this.#endEverything();
      await supervisor.clock.sleep(50);
      this.#incarnations += 1;
      const holder = this.#holder();
      const instance = new InstanceProcess(env, this.id);
      this.#instance = instance;
      const keeper = new OwnershipKeeper({
        holder,
        predecessors: [...this.#predecessors],
        predecessorsEnded: true,
        coordination: coordinationOn(env, supervisor, this.id),
        claims: env.rules.claims(claimsOn(env, supervisor, this.id)),
        worker: this.#worker(supervisor, instance),
        clock: supervisor.clock,
        times: env.rules.times,
        policy: env.rules.policy,
        log: silentLog(env, this.id),
      });
      this.#keeper = keeper;
      this.#predecessors.push(holder.incarnation);
      instance.process.onEnd(() => supervisor.deliver(() => keeper.workerEnded()));
      const end = await keeper.run(stopping.signal);
      env.tell(this.id, `the incarnation is over: ${end.kind}`);
      if (end.kind === 'stopped') {
        this.#endEverything();
        supervisor.kill();
        return;
      }
      await supervisor.clock.sleep(500);
    }
  }

  #endEverything(): void {
    for (const browser of this.#browsers()) browser.process.kill();
    this.#instance?.process.kill();
  }

  #browsers() {
    return this.#instance?.browsers() ?? [];
  }

  #holder(): LeaseHolder {
    return {
      instance: this.id,
      incarnation: `${this.id}/${this.#incarnations}`,
      protocol: 1,
      host: { name: this.id, boot: this.#boot },
      pid: this.#incarnations,
      pid_start: '0',
      beacon: this.id,
      started_at: new Date(this.#env.time.now).toISOString(),
    };
  }

  #worker(supervisor: Process, instance: InstanceProcess): Worker {
    const { time } = this.#env;
    const send = (what: () => void) => time.after(0.5, () => instance.process.deliver(what));
    const end = (workspace: WorkspaceId, epoch: number, how: 'kill' | 'close') =>
      new Promise<boolean>((resolve) => {
        let over = false;
        const ended = () =>
          supervisor.deliver(() => {
            over = true;
            resolve(true);
          });
        send(() => instance.end(workspace, epoch, how, () => time.after(0.5, ended)));
        time.after(PATIENCE, () =>
          supervisor.deliver(() => {
            if (over) return;
            for (const browser of instance.browsers())
              if (browser.workspace === workspace && browser.epoch <= epoch) browser.process.kill();
            ended();
          }),
        );
      });
    return {
      run: (grant) => send(() => instance.run(grant)),
      extend: (workspace, epoch, until) => send(() => instance.extend(workspace, epoch, until)),
      kill: (workspace, epoch) => end(workspace, epoch, 'kill'),
      close: (workspace, epoch) => end(workspace, epoch, 'close'),
      closeAll: async () => {
        const all = instance.granted();
        const ended = await Promise.all(all.map(({ workspace, epoch }) => end(workspace, epoch, 'close')));
        return all.flatMap(({ workspace }, index) => (ended[index] ? [workspace] : []));
      },
    };
  }
}
