import type { Readable } from 'node:stream';
import { withDeadline } from './clock.ts';
import { readEnv } from './env.ts';
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
        await withDeadline(
          Promise.resolve(part.close()),
          left,
          () => new Error(`still open after ${Math.round(left)} ms`),
        );
      } catch (error) {
        clean = false;
        this.#log.error({ part: part.name, reason: messageOf(error) }, 'a part did not close cleanly');
      }
    }
    return clean;
  }
}

/**
 * Calls back once when a stream has ended. Whoever starts a process with a pipe as its standard input holds the other end, and the
 * system closes that end however the starter goes, kill -9 included: so a process learns that it was left alone.
 */
export function onEnd(input: Readable, ended: () => void): void {
  let told = false;
  const tell = () => {
    if (!told) ended();
    told = true;
  };
  input.once('end', tell).once('close', tell).once('error', tell);
  // What is written there means nothing; it is read so that the end is reached.
  input.resume();
}

/**
 * Runs the main function of a process: SIGTERM and SIGINT abort the signal it gets, a second one ends the process at once.
 * With `WHARF_EXIT_WITH_PARENT=1` the end of standard input aborts it too (see {@link onEnd}).
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
  if (readEnv()['WHARF_EXIT_WITH_PARENT'] === '1') {
    onEnd(process.stdin, () =>
      controller.abort(new Error('stopped, since the process that started this one is gone')),
    );
  }
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
