import { median } from '../bench/support/statistics.ts';
import { say } from './say.ts';

interface Taken {
  what: string;
  seconds: number[];
}

/** What the proof has found so far. */
export class Results {
  readonly #times = new Map<string, Taken>();
  readonly #facts: [string, string][] = [];
  readonly #broken: string[] = [];

  /** Something took so long. Those of one key make a median. */
  took(key: string, what: string, seconds: number): void {
    const taken = this.#times.get(key) ?? { what, seconds: [] };
    taken.seconds.push(seconds);
    this.#times.set(key, taken);
    say(`${what}: ${shown(seconds)} s`);
  }

  /** Runs something, and notes how long it took. */
  async timed<T>(key: string, what: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const value = await work();
    this.took(key, what, (performance.now() - begun) / 1000);
    return value;
  }

  /** What is worth a row, and is no time. */
  fact(what: string, found: string): void {
    this.#facts.push([what, found]);
    say(`${what}: ${found}`);
  }

  /** What has to hold. */
  rule(holds: boolean, otherwise: string): void {
    if (holds) return;
    this.#broken.push(otherwise);
    say(`BROKEN ${otherwise}`);
  }

  get broken(): readonly string[] {
    return this.#broken;
  }

  /** Rows for people, in the order in which they came about. */
  rows(): [string, string][] {
    const times = [...this.#times.values()].map(({ what, seconds }): [string, string] => {
      const least = shown(Math.min(...seconds));
      const most = shown(Math.max(...seconds));
      const range = seconds.length === 1 ? '' : ` (${least} to ${most}, ${seconds.length} times)`;
      return [what, `${shown(median(seconds))} s${range}`];
    });
    return [...times, ...this.#facts];
  }

  /** Medians in seconds, by key. */
  figures(): Record<string, number> {
    const times = [...this.#times].map(([key, { seconds }]) => [`${key}_s`, Number(shown(median(seconds)))]);
    return { ...Object.fromEntries(times), broken: this.#broken.length };
  }

  /** All times, seconds, by key. */
  details(): unknown {
    return { times: Object.fromEntries(this.#times), facts: this.#facts, broken: this.#broken };
  }
}

function shown(seconds: number): string {
  return seconds.toFixed(seconds < 1 ? 2 : 1);
}
