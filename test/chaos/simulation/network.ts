import { WharfError } from '../../../common/errors.ts';
import type { SeededRandom } from '../../helpers/random.ts';
import type { Process } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Whoever asks gives up after so long, milliseconds, as ioredis does. */
const GIVE_UP = 3000;

/** A server that is asked over the network. */
export class Server {
  readonly name: string;
  #state: 'up' | 'down' | 'stopped' = 'up';
  #waiting: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get state(): 'up' | 'down' | 'stopped' {
    return this.#state;
  }

  up(): void {
    this.#state = 'up';
    for (const what of this.#waiting.splice(0)) what();
  }

  /** Refuses connections. */
  down(): void {
    this.#state = 'down';
    this.#waiting = [];
  }

  /** Takes questions, and answers them when it goes on. */
  stop(): void {
    this.#state = 'stopped';
  }

  take(question: () => void, refuse: () => void): void {
    if (this.#state === 'up') question();
    else if (this.#state === 'stopped') this.#waiting.push(question);
    else refuse();
  }
}

/** Who can reach whom, one way at a time, and how fast. Hosts and servers by name. */
export class Network {
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #cut = new Set<string>();
  readonly #slow = new Map<string, number>();

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** What goes this way takes up to so many milliseconds longer. */
  slow(from: string, to: string, milliseconds: number): void {
    this.#slow.set(`${from}>${to}`, milliseconds);
  }

  heal(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`);
    this.#slow.delete(`${from}>${to}`);
  }

  healAll(): void {
    this.#cut.clear();
    this.#slow.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  /** Carries something one way; lost where that is cut. */
  carry(from: string, to: string, what: () => void): void {
    if (this.isCut(from, to)) return;
    const slow = this.#slow.get(`${from}>${to}`) ?? 0;
    this.#time.after(this.#random.between(0.2, 2) + this.#random.between(0, slow), what);
  }

  /**
   * Asks a server. The question may arrive and be answered although the answer is lost, and may be answered long after the asker gave up.
   *
   * @throws WharfError with `code` when there is no answer in time, or the server refuses
   */
  ask<T>(
    asker: Process,
    host: string,
    server: Server,
    question: () => T | Promise<T>,
    options: { code?: 'redis_unavailable' | 'storage_unavailable'; giveUp?: number } = {},
  ): Promise<T> {
    const code = options.code ?? 'redis_unavailable';
    return new Promise<T>((resolve, reject) => {
      let over = false;
      const end = (how: () => void) =>
        asker.deliver(() => {
          if (over) return;
          over = true;
          how();
        });
      const fail = (why: string) => end(() => reject(new WharfError(code, why)));
      if (options.giveUp !== Number.POSITIVE_INFINITY)
        this.#time.after(options.giveUp ?? GIVE_UP, () => fail(`${server.name} did not answer`));
      this.carry(host, server.name, () =>
        server.take(
          () => {
            const reply = (how: () => void) => this.carry(server.name, host, () => end(how));
            Promise.resolve()
              .then(question)
              .then(
                (value) => reply(() => resolve(value)),
                (error: unknown) => reply(() => reject(error)),
              );
          },
          () => this.carry(server.name, host, () => fail(`${server.name} refuses connections`)),
        ),
      );
    });
  }
}
