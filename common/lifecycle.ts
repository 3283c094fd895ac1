import { withDeadline } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/** Something that was opened and must be closed. */
interface Part {
  name: string;
  close: () => Promise<void> | void;
}

/**
 * The parts of a process in the order of their making. `close` ends them in the reverse order, each even when one before it failed,
 * and all of them within one deadline.
 */
export class Lifecycle {
  readonly #parts: Part[] = [];
  readonly #log: Logger;
  readonly #deadline: number;
  #closing: Promise<boolean> | undefined;

  /** @param deadline milliseconds that closing everything may take */
  constructor(log: Logger, deadline: number) {
    this.#log = log;
    this.#deadline = deadline;
  }

  /** Adds a part; it will be closed before those that were added earlier. */
  add(name: string, close: () => Promise<void> | void): void {
    this.#parts.push({ name, close });
  }

  /** Closes everything once; true when all closed in time and without a fault. */
  close(): Promise<boolean> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<boolean> {
    const end = performance.now() + this.#deadline;
    let clean = true;
    for (const part of [...this.#parts].reverse()) {
      const left = Math.max(50, end - performance.now());
      try {
        await withDeadline(Promise.resolve(part.close()), left, () => new Error(`still open after ${Math.round(left)} ms`));
      } catch (error) {
        clean = false;
        this.#log.error({ part: part.name, reason: messageOf(error) }, 'a part did not close cleanly');
      }
    }
    return clean;
  }
}

/**
 * Runs the main function of a process: SIGTERM and SIGINT abort the signal it gets, a second one ends the process at once.
 * The exit code is decided here and nowhere else: what `main` returns, or 1 after an error, which is printed for people.
 */
export async function runProcess(main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    process.exitCode = await main(controller.signal);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  }
  process.exit();
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
