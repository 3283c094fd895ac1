import type { Order } from '../../../fleet/coordination.ts';
import { MemoryRedis } from '../../../fleet/memory-redis.ts';
import type { FleetSettings } from '../../../router/failover/facts.ts';
import { memorySettings } from '../../helpers/memory-settings.ts';
import { SeededRandom } from '../../helpers/random.ts';
import { Checker } from './checker.ts';
import { Network, Server } from './network.ts';
import { Process } from './process.ts';
import type { Rules } from './rules.ts';
import { Storage } from './storage.ts';
import { VirtualTime } from './virtual-time.ts';

/** An instance as the others of the simulated world see it. */
export interface Neighbour {
  id: string;
  capacity: number;
  /** Workspaces it has been granted; 0 where it does not answer. */
  sessions: number;
  /** Whether a router that reaches its host gets an answer. */
  answers: boolean;
  /** Whether its process is there, running or stopped. */
  isThere: boolean;
  /** What it says of the storage. */
  storageOk: boolean;
  poke(): void;
  order(order: Order): void;
  killInstance(): void;
}

/** What an environment is made with. */
export interface EnvironmentOptions {
  seed: number;
  /** Sessions an instance may run. */
  capacity: number;
  rules: Rules;
  /** Hears the story: what happened when, and to whom. */
  listen?: (line: string) => void;
}

/** What all simulated processes share: time, network, Redis, storage, the rules they follow, and who watches them. */
export abstract class Environment {
  readonly time = new VirtualTime();
  readonly redisServer = new Server('redis');
  readonly settings: FleetSettings = memorySettings();
  readonly random: SeededRandom;
  readonly network: Network;
  readonly rules: Rules;
  readonly checker: Checker;
  readonly storage: Storage;
  readonly redis: MemoryRedis;
  readonly capacity: number;
  readonly #listen: ((line: string) => void) | undefined;
  #names = 0;

  constructor({ seed, capacity, rules, listen }: EnvironmentOptions) {
    this.random = new SeededRandom(seed);
    this.rules = rules;
    this.capacity = capacity;
    this.#listen = listen;
    this.network = new Network(this.time, this.random);
    this.checker = new Checker(() => this.time.now);
    const { clock } = new Process('servers', this.time);
    this.storage = new Storage(clock);
    this.redis = new MemoryRedis(clock, () => {
      this.#names += 1;
      return `redis-${this.#names}`;
    });
  }

  abstract get neighbours(): readonly Neighbour[];

  get listens(): boolean {
    return this.#listen !== undefined;
  }

  tell(who: string, what: string): void {
    this.#listen?.(`${(this.time.now / 1000).toFixed(3).padStart(9)} ${who.padEnd(12)} ${what}`);
  }

  neighbour(id: string): Neighbour | undefined {
    return this.neighbours.find((instance) => instance.id === id);
  }
}
