import type { WorkspaceId } from '../../../fleet/ids.ts';
import type { Grant } from '../../../instance/supervisor/worker.ts';
import { Browser } from './browser.ts';
import type { Environment } from './environment.ts';
import { Process } from './process.ts';

interface Held {
  grant: Grant;
  until: number;
  browser: Browser | null;
  starting: boolean;
}

/** How long a browser takes to be killed, and a clean close, milliseconds. */
const KILL = 20;
const CLOSE = 300;

/** An instance's process of the simulated world: it runs a browser for each workspace it is granted, as `instance/` does. */
export class InstanceProcess {
  readonly process: Process;
  readonly #env: Environment;
  readonly #host: string;
  readonly #held = new Map<WorkspaceId, Held>();
  readonly #browsers = new Set<Browser>();

  constructor(env: Environment, host: string) {
    this.#env = env;
    this.#host = host;
    this.process = new Process(`instance on ${host}`, env.time);
    // Browsers talk to it over pipes, and end when it does; stopped ones when they go on.
    this.process.onEnd(() => {
      for (const browser of this.browsers()) {
        env.time.after(env.random.between(1, 50), () =>
          browser.process.deliver(() => browser.process.kill()),
        );
      }
    });
  }

  get workspaces(): number {
    return this.#held.size;
  }

  granted(): Grant[] {
    return [...this.#held.values()].map(({ grant }) => grant);
  }

  browsers(): Browser[] {
    return [...this.#browsers].filter((browser) => browser.process.alive);
  }

  run(grant: Grant): void {
    const held: Held = { grant, until: grant.until, browser: null, starting: false };
    this.#held.set(grant.workspace, held);
    this.#env.checker.capacity(this.#host, this.#held.size, this.#env.capacity);
    this.#watch(held);
    this.#keep(held);
  }

  extend(workspace: WorkspaceId, epoch: number, until: number): void {
    const held = this.#held.get(workspace);
    if (held?.grant.epoch !== epoch) return;
    held.until = until;
    if (held.browser?.process.alive) held.browser.feed(until);
    else this.#keep(held);
    this.#watch(held);
  }

  /** Ends a workspace's browser, by force or not; answers when it was seen to end. */
  end(workspace: WorkspaceId, epoch: number, how: 'kill' | 'close', ended: () => void): void {
    const held = this.#held.get(workspace);
    if (held && held.grant.epoch <= epoch) this.#held.delete(workspace);
    const { time } = this.#env;
    time.after(how === 'kill' ? KILL : CLOSE, () =>
      this.process.deliver(() => {
        held?.browser?.process.kill();
        ended();
      }),
    );
  }

  #holds(held: Held): boolean {
    return this.process.alive && this.#held.get(held.grant.workspace) === held;
  }

  #mayRun(held: Held): boolean {
    return this.#holds(held) && this.process.clock.monotonic() < held.until;
  }

  #watch(held: Held): void {
    if (!Number.isFinite(held.until)) return;
    this.#env.time.at(held.until, () =>
      this.process.deliver(() => {
        if (!this.#holds(held) || this.process.clock.monotonic() < held.until) return;
        held.browser?.process.kill();
      }),
    );
  }

  /** Starts its browser where there is none; what fails is tried again, as a session's loop does. */
  #keep(held: Held): void {
    if (held.starting || !this.#mayRun(held) || held.browser?.process.alive) return;
    held.starting = true;
    this.#start(held)
      .catch(() => this.#env.time.after(2000, () => this.process.deliver(() => this.#keep(held))))
      .finally(() => {
        held.starting = false;
      });
  }

  async #start(held: Held): Promise<void> {
    const { storage, network, checker, time, random } = this.#env;
    const { workspace, epoch, generation, startAt } = held.grant;
    const { clock } = this.process;
    const ask = <T>(question: () => T) =>
      network.ask(this.process, this.#host, storage.server, question, {
        code: 'storage_unavailable',
        giveUp: 10_000,
      });
    let profile = await ask(() => storage.profile(workspace));
    if (profile.generation < generation) {
      await clock.sleep(Math.max(0, startAt - clock.monotonic()) + random.between(10, 200));
      if (!this.#mayRun(held)) return;
      const made = await ask(() => {
        const from = storage.profile(workspace);
        if (!storage.writeProfile(workspace, { recordEpoch: epoch, generation })) return null;
        checker.adopted(workspace, from.generation, generation, this.#host);
        return { recordEpoch: epoch, generation };
      });
      if (made === null) return;
      profile = made;
    } else
      await ask(() =>
        storage.writeProfile(workspace, { recordEpoch: epoch, generation: profile.generation }),
      );
    await clock.sleep(random.between(300, 1500));
    if (!this.#mayRun(held)) return;
    const connection = { workspace, epoch, generation: profile.generation, host: this.#host };
    const browser = new Browser(connection, held.until, checker, time);
    browser.process.onEnd(() => {
      this.#browsers.delete(browser);
      // Its page shut itself, or it was killed: the session's loop starts it again.
      time.after(500, () => this.process.deliver(() => this.#keep(held)));
    });
    this.#browsers.add(browser);
    held.browser = browser;
  }
}
