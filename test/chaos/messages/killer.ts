import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../helpers/random.ts';
import { INSTANCES, type InstanceId, type KillKind, type MessagesFleet } from './fleet.ts';

/** How soon after the loss of a host it is started again, milliseconds: before its lease lapses, or after its workspaces were taken over. */
const BACK_AFTER = [1000, 15_000] as const;

/** Kills an instance every so often, and brings back what does not come back by itself. */
export class Killer {
  readonly kills: Record<KillKind, number> = { process: 0, 'browsers too': 0, host: 0 };
  /** Kills of routers. */
  routers = 0;
  /** Times there was nothing to kill: both instances were down. */
  idle = 0;
  readonly #fleet: MessagesFleet;
  readonly #random: SeededRandom;
  readonly #every: number;
  readonly #routersToo: boolean;
  readonly #say: (text: string) => void;
  #over = new AbortController();
  #running: Promise<void> | undefined;
  readonly #coming = new Set<Promise<void>>();

  /** @param every seconds between two kills */
  constructor(
    fleet: MessagesFleet,
    random: SeededRandom,
    options: { every: number; routersToo: boolean; say: (text: string) => void },
  ) {
    this.#fleet = fleet;
    this.#random = random;
    this.#every = options.every;
    this.#routersToo = options.routersToo;
    this.#say = options.say;
  }

  get total(): number {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0);
  }

  begin(): void {
    this.#over = new AbortController();
    this.#running = this.#run(this.#over.signal);
    this.#running.catch(() => {});
  }

  /** Kills nobody any more, and returns when all that was lost has been started again. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#running;
    await Promise.all(this.#coming);
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await sleep(this.#every * 1000, undefined, { signal });
      } catch {
        return;
      }
      await this.#kill();
      // A leader that is being replaced, or no healthy instance: the next time does it.
      await this.#fleet.freeQuarantined().catch(() => {});
    }
  }

  async #kill(): Promise<void> {
    const up: InstanceId[] = [];
    for (const id of INSTANCES) if (await this.#fleet.isUp(id)) up.push(id);
    // Drawn in any case, so that a seed means the same kinds whoever is up.
    const kind = this.#random.oneOf(['process', 'browsers too', 'browsers too', 'host'] as const);
    const back = this.#random.oneOf(BACK_AFTER);
    const router = this.#random.chance(0.3);
    if (up.length === 0) {
      this.idle += 1;
      return;
    }
    const victim = this.#random.oneOf(up);
    // One host is lost at a time: with both gone nothing can be shown but waiting.
    const chosen = kind === 'host' && this.#coming.size > 0 ? 'browsers too' : kind;
    this.#say(`kill ${this.total + 1}: ${victim}, ${chosen}`);
    await this.#fleet.killInstance(victim, chosen);
    this.kills[chosen] += 1;
    if (chosen === 'host') this.#bringBack(victim, back);
    if (this.#routersToo && router) {
      const index = this.#random.int(0, this.#fleet.routerUrls.length - 1);
      this.#say(`kill of router ${index + 1}`);
      await this.#fleet.restartRouter(index);
      this.routers += 1;
    }
  }

  #bringBack(victim: InstanceId, after: number): void {
    const back = sleep(after).then(() => this.#fleet.startInstance(victim));
    this.#coming.add(back);
    void back.finally(() => this.#coming.delete(back)).catch(() => {});
  }
}
