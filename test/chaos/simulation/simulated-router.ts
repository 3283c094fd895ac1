import { PROTOCOL_VERSION } from '../../../fleet/records.ts';
import type { FleetFacts } from '../../../router/failover/facts.ts';
import { Leader } from '../../../router/failover/leader.ts';
import { Monitor, type Prober } from '../../../router/failover/monitor.ts';
import { FleetOperations } from '../../../router/failover/operations.ts';
import type { OrderSender } from '../../../router/failover/order-sender.ts';
import { claimsOn } from './claims.ts';
import type { Environment } from './environment.ts';
import { Process } from './process.ts';
import { coordinationOn } from './redis.ts';
import { silentLog } from './silent-log.ts';

/** A router of the simulated world, on a host of its own: the real monitor and leader. */
export class SimulatedRouter {
  readonly id: string;
  readonly #env: Environment;
  #process: Process | undefined;
  #leader: Leader | undefined;

  constructor(env: Environment, id: string) {
    this.#env = env;
    this.id = id;
  }

  /** How it sees the fleet. */
  get leader(): Leader | undefined {
    return this.#process?.alive ? this.#leader : undefined;
  }

  /** What an operator may ask of it, with a home rule that divides by so many. */
  operations(instanceCount: number): FleetOperations {
    const env = this.#env;
    const { leader } = this;
    const process = this.#process;
    if (!leader || !process) throw new Error(`${this.id} is not running`);
    return new FleetOperations({
      coordination: coordinationOn(env, process, this.id),
      settings: env.settings,
      facts: this.#facts(),
      orders: this.#orders(process),
      clock: process.clock,
      times: env.rules.times,
      instanceCount,
      shardStrategy: 'workspace_modulo',
      view: () => leader.status(),
      events: () => leader.events(),
      wake: () => leader.wake(),
      random: () => String(env.random.int(10_000_000, 99_999_999)),
    });
  }

  start(): void {
    if (this.#process?.alive) return;
    const env = this.#env;
    const process = new Process(this.id, env.time);
    const { clock } = process;
    const coordination = coordinationOn(env, process, this.id);
    const facts = this.#facts();
    const log = silentLog(env, this.id);
    const { times } = env.rules;
    const never = new AbortController().signal;
    const monitor = new Monitor({
      me: {
        router: this.id,
        protocol: PROTOCOL_VERSION,
        instance_count: env.neighbours.length,
        shard_strategy: 'workspace_modulo',
        host: { name: this.id, boot: this.id },
      },
      facts,
      prober: this.#prober(process),
      coordination,
      clock,
      times,
      log,
    });
    const leader = new Leader({
      router: this.id,
      coordination,
      claims: claimsOn(env, process, this.id),
      facts,
      settings: env.settings,
      probes: monitor,
      orders: this.#orders(process),
      clock,
      times,
      recorder: { tookOver: () => {}, moveEnded: () => {}, readyAgain: () => {} },
      log,
      random: () => String(env.random.int(10_000_000, 99_999_999)),
    });
    this.#process = process;
    this.#leader = leader;
    void monitor.run(never);
    void leader.run(never);
  }

  kill(): void {
    this.#process?.kill();
  }

  stop(): void {
    this.#process?.stop();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** Asks an instance's process over the network; one that is not there refuses, one that is stopped does not answer. */
  #call<T>(process: Process, url: string, answer: (id: string) => T): Promise<T> {
    const { network, time } = this.#env;
    return new Promise((resolve, reject) => {
      network.carry(this.id, url, () => {
        const instance = this.#env.neighbour(url);
        if (!instance) return;
        const back = (how: () => void) => network.carry(url, this.id, () => process.deliver(how));
        if (!instance.isThere) back(() => reject(new Error('refused')));
        else if (instance.answers) {
          const value = answer(url);
          back(() => resolve(value));
        }
      });
      time.after(10_000, () => process.deliver(() => reject(new Error('no answer'))));
    });
  }

  #prober(process: Process): Prober {
    return {
      probe: (url) =>
        this.#call(process, url, (id) => ({
          owned: this.#env.neighbour(id)?.sessions ?? 0,
          storageOk: this.#env.neighbour(id)?.storageOk ?? null,
        })),
    };
  }

  #orders(process: Process): OrderSender {
    return {
      send: (url, orders) =>
        this.#call(process, url, (id) => {
          for (const order of orders) this.#env.neighbour(id)?.order(order);
        }),
      restart: (url) => this.#call(process, url, (id) => this.#env.neighbour(id)?.killInstance()),
    };
  }

  /** What routers know by announcements: in simulation, the truth of a moment. */
  #facts(): FleetFacts {
    const env = this.#env;
    return {
      instances: () =>
        env.neighbours.map((instance) => ({
          id: instance.id,
          url: instance.id,
          capacity: instance.capacity,
          sessions: instance.sessions,
          accepting: true,
          storageOk: instance.answers ? instance.storageOk : null,
          chromium: '156.0.0.0',
        })),
      starting: () => new Map(),
      workspace: () => ({ sessions: 1, ready: [], starting: false, queued: 0, lastActivity: 0 }),
    };
  }
}
