import type { WorkspaceId } from '../../../fleet/ids.ts';
import type { Checker, Connection } from './checker.ts';
import { Process } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The browser of a simulated session: connected from its start to its end, with a dead man's timer in its page. */
export class Browser {
  readonly process: Process;
  readonly workspace: WorkspaceId;
  readonly epoch: number;
  readonly #connection: Connection;
  readonly #checker: Checker;
  readonly #time: VirtualTime;
  #until: number;
  #connected = false;

  constructor(connection: Omit<Connection, 'since'>, until: number, checker: Checker, time: VirtualTime) {
    this.process = new Process(`browser of ${connection.workspace}`, time);
    this.workspace = connection.workspace;
    this.epoch = connection.epoch;
    this.#connection = { ...connection, since: time.now };
    this.#checker = checker;
    this.#time = time;
    this.#until = until;
    this.process.onEnd(() => this.#disconnect());
    this.#connected = true;
    checker.connected(this.#connection);
    this.feed(until);
    // The page looks at its timer before it does anything else, and so never sends after a stop that was too long.
    this.process.onResume(() => {
      if (this.#time.now >= this.#until) this.process.kill();
      else this.#reconnect();
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** The dead man's timer gets what remains of the authority. */
  feed(until: number): void {
    this.#until = until;
    if (!Number.isFinite(until)) return;
    this.#time.at(until, () =>
      this.process.deliver(() => {
        if (this.#time.now >= this.#until) this.process.kill();
      }),
    );
  }

  /** A stopped browser sends nothing; the server still thinks it is there, and drops it for another. */
  stop(): void {
    this.process.stop();
    this.#disconnect();
  }

  resume(): void {
    this.process.resume();
  }

  #reconnect(): void {
    if (this.#connected || !this.process.alive) return;
    this.#connected = true;
    this.#connection.since = this.#time.now;
    this.#checker.connected(this.#connection);
  }

  #disconnect(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#checker.disconnected(this.#connection);
  }
}
