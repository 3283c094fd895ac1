import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../helpers/random.ts';
import type { ChaosSession, Fleet, FleetShape } from './fleet.ts';
import type { InstanceHost } from './instance-host.ts';

/** Longer than a lease, and than a takeover takes to begin: what was stopped for so long has lost everything. Milliseconds. */
const BEYOND_THE_LEASE = { least: 14_000, most: 35_000 };

/** How long everything may take to be well again by itself, milliseconds. */
const RECOVERY = 120_000;

/** What can go wrong, and is made to. */
export interface Scenario {
  name: string;
  /** For people: what happens. */
  what: string;
  /** The fleet it needs, where that is not the usual one. */
  shape?: Partial<FleetShape>;
  /**
   * Makes it happen. What it breaks may stay broken: it is mended afterwards, and then all is checked. Throws where the fleet did not do by
   * itself what it should.
   */
  run(scene: Scene): Promise<void>;
}

/** What scenarios have in common. Every choice comes from the seed. */
export class Scene {
  readonly fleet: Fleet;
  readonly random: SeededRandom;
  /** What was done, for the story. */
  readonly faults: string[] = [];
  /** From a fault until all sessions were ready again by themselves, each time, seconds. */
  readonly recoveries: number[] = [];
  readonly #say: (text: string) => void;
  #faultAt = performance.now();

  constructor(fleet: Fleet, random: SeededRandom, say: (text: string) => void) {
    this.fleet = fleet;
    this.random = random;
    this.#say = say;
  }

  /** Notes a fault, at the moment it is made. */
  fault(text: string): void {
    this.faults.push(text);
    this.#faultAt = performance.now();
    this.#say(`fault: ${text}`);
  }

  note(text: string): void {
    this.#say(text);
  }

  /** An instance that has something to lose, chosen by the seed, and one of its sessions. */
  async victim(): Promise<{ instance: InstanceHost; session: ChaosSession }> {
    const session = this.random.oneOf(this.fleet.sessions);
    return { instance: await this.fleet.owner(session), session };
  }

  /** Waits for a time from a range, milliseconds. */
  async wait(least: number, most = least): Promise<void> {
    await sleep(this.random.between(least, most));
  }

  async waitBeyondTheLease(): Promise<void> {
    await this.wait(BEYOND_THE_LEASE.least, BEYOND_THE_LEASE.most);
  }

  /** All sessions get ready with nobody's help. Throws where they do not. */
  async recovers(milliseconds = RECOVERY): Promise<void> {
    await this.fleet.allReady(milliseconds);
    const seconds = (performance.now() - this.#faultAt) / 1000;
    this.recoveries.push(seconds);
    this.#say(`all sessions are ready, ${seconds.toFixed(1)} s after the fault`);
  }

  /** What is done meanwhile costs no session its browser. Throws where one was disconnected. */
  async undisturbed(meanwhile: () => Promise<void>): Promise<void> {
    const { whatsapp } = this.fleet;
    const { count } = await whatsapp.log(0);
    await meanwhile();
    const { entries } = await whatsapp.log(count);
    const lost = entries.filter(({ event, device }) => event === 'disconnect' && device !== undefined);
    if (lost.length > 0)
      throw new Error(`browsers were disconnected without need: ${JSON.stringify(lost).slice(0, 500)}`);
  }

  /** Waits until no session is on an instance any longer: they have another owner, or none. */
  async leaves(instance: InstanceHost, milliseconds = RECOVERY): Promise<void> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const seen = await Promise.all(this.fleet.sessions.map((session) => this.fleet.seen(session)));
      if (seen.every((detail) => detail !== undefined && detail.instance !== instance.id)) return;
      if (performance.now() > end)
        throw new Error(`after ${milliseconds / 1000} s there are sessions on ${instance.id} still`);
      await sleep(200);
    }
  }
}
