import { messageOf } from '../../../common/errors.ts';
import { SeededRandom } from '../../helpers/random.ts';
import { Checks, type Findings } from './checks.ts';
import { Fleet, type FleetShape } from './fleet.ts';
import { type Scenario, Scene } from './scene.ts';
import { gatherStory } from './story.ts';
import { type Answers, Traffic } from './traffic.ts';

const USUAL: Readonly<FleetShape> = { redis: 'alone', hard: false, clocks: false };

/** How one scenario went. */
export interface ScenarioResult {
  scenario: string;
  faults: string[];
  /** What must never be. */
  broken: string[];
  /** Seconds from the first fault to the end of the checks. */
  seconds: number;
  recoveries: number[];
  findings: Findings | undefined;
  answers: Answers;
  /** Where the story lies, if anything broke. */
  story: string | undefined;
}

/** A fleet under traffic. */
interface Running {
  fleet: Fleet;
  traffic: Traffic;
  checks: Checks;
}

/** What a campaign is told. */
export interface CampaignOptions {
  seed: number;
  sessions: number;
  /** Every line that people should see as it happens. */
  say: (text: string) => void;
}

/**
 * Plays scenarios, one after the other, on one fleet for as long as it stays whole; a scenario that needs another kind of fleet, or follows one
 * that broke something, gets a new one. After each all is mended, brought home and checked.
 */
export class Campaign {
  readonly #options: CampaignOptions;
  readonly #said: { time: number; text: string }[] = [];
  #running: Running | undefined;
  #fleets = 0;

  constructor(options: CampaignOptions) {
    this.#options = options;
  }

  /** @param number of the scenario in this campaign: its choices come from it and the seed */
  async play(scenario: Scenario, number: number): Promise<ScenarioResult> {
    const shape = { ...USUAL, ...scenario.shape };
    const began = performance.now();
    const random = new SeededRandom(this.#options.seed * 1009 + number);
    const running = await this.#fleet(shape);
    const { fleet, traffic, checks } = running;
    const broken: string[] = [];
    const attempt = async (what: () => Promise<unknown>) => {
      try {
        await what();
        return true;
      } catch (error) {
        const why = messageOf(error).slice(0, 1000);
        broken.push(why);
        this.#say(`wrong: ${why}`);
        return false;
      }
    };
    this.#say(`scenario ${number}: ${scenario.name}: ${scenario.what}`);
    const scene = new Scene(fleet, random, (text) => this.#say(text));
    traffic.begin();
    let findings: Findings | undefined;
    await attempt(() => scenario.run(scene));
    const mended = await attempt(async () => {
      await fleet.mend();
      await fleet.healthy();
      await fleet.allReady();
      await fleet.rebalanced();
      await fleet.allReady();
    });
    await traffic.end();
    if (mended) {
      await attempt(async () => {
        findings = await checks.look();
        for (const text of findings.broken) this.#say(`broken: ${text}`);
        broken.push(...findings.broken);
      });
    }
    const story = broken.length === 0 ? undefined : await gatherStory(fleet, traffic, this.#said, broken);
    if (story !== undefined) {
      this.#say(`what everybody wrote: ${story}`);
      await this.close();
    }
    const seconds = (performance.now() - began) / 1000;
    this.#say(`${scenario.name}: ${broken.length === 0 ? 'held' : 'BROKEN'}, ${seconds.toFixed(0)} s`);
    const answers = traffic.takeAnswers();
    return {
      scenario: scenario.name,
      faults: scene.faults,
      broken,
      seconds,
      recoveries: scene.recoveries,
      findings,
      answers,
      story,
    };
  }

  /** Ends the fleet that runs, if one does. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.fleet.close();
  }

  /** The fleet that runs where it is of this shape, else a new one, with its sessions linked. */
  async #fleet(shape: FleetShape): Promise<Running> {
    if (this.#running && JSON.stringify(this.#running.fleet.shape) === JSON.stringify(shape))
      return this.#running;
    await this.close();
    this.#fleets += 1;
    this.#said.length = 0;
    const { seed, sessions } = this.#options;
    this.#say(`a fleet of its own: ${JSON.stringify(shape)}`);
    const random = new SeededRandom(seed + this.#fleets);
    const fleet = await Fleet.start(shape, random.between(0, 1));
    try {
      await fleet.link(sessions);
      const traffic = new Traffic(fleet, seed + this.#fleets, `fleet ${this.#fleets} seed ${seed}`);
      const checks = new Checks(fleet, traffic);
      await checks.begin();
      this.#running = { fleet, traffic, checks };
      this.#say(`${sessions} sessions are linked`);
      return this.#running;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  #say(text: string): void {
    this.#said.push({ time: Date.now(), text });
    this.#options.say(text);
  }
}
