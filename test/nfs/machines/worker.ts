import type { GuestProcess } from './guest-process.ts';
import type { Machine } from './machine.ts';

type Listener = (event: never) => void;
interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  onEvent: Listener | undefined;
}

/** Wharf's own code at work in a machine: calls of `guest/worker.ts`, several at a time. */
export class Worker {
  readonly #machine: Machine;
  readonly #process: GuestProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  static async start(machine: Machine): Promise<Worker> {
    // Enough threads that storage calls which hang leave some for the others.
    const env = { UV_THREADPOOL_SIZE: '32' };
    const worker = '/wharf/app/dist/test/nfs/guest/worker.js';
    return new Worker(machine, await machine.start(['/wharf/node', worker], env));
  }

  private constructor(machine: Machine, process: GuestProcess) {
    this.#machine = machine;
    this.#process = process;
    process.on('line', (line) => this.#hear(JSON.parse(line)));
    process.on('end', ({ code, errors }) => {
      const error = new Error(`The worker in ${machine.name} ended with ${code}: ${errors.slice(-2000)}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** Its process id in the machine. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Calls it. Rejects with what it said, or when it or its machine ended. */
  call<T>(call: string, args: object, onEvent?: (event: never) => void): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onEvent });
      this.#process.write(`${JSON.stringify({ id, call, args })}\n`);
    });
  }

  /** Kills it. */
  end(): void {
    this.#process.kill();
  }

  #hear(message: { id: number; value?: never; error?: string; event?: never }): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.event !== undefined) {
      waiting.onEvent?.(message.event);
      return;
    }
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting.resolve(message.value as never);
    else waiting.reject(new Error(`${this.#machine.name}: ${message.error}`));
  }
}
