import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readEnv } from '../../common/env.ts';
import { eventually } from './eventually.ts';
import { isAlive } from './processes.ts';

const main = fileURLToPath(new URL('../../dist/instance/supervisor/main.js', import.meta.url));
const readySchema = z.object({ instance: z.string(), url: z.url(), pid: z.number() });

/** A line of a log. */
type LogLine = Record<string, unknown> & { msg?: string };

/** A supervisor as a process, and all that it has said. */
export class SupervisedInstance {
  readonly #child;
  /** Each time its instance was up. */
  readonly readies: z.infer<typeof readySchema>[] = [];
  readonly log: LogLine[] = [];
  /** What it wrote to standard error that is no line of the log: the error it ended with. */
  said = '';
  /** Resolves with the exit code, or null where a signal ended it, and all that it said has been read. What it started may hold that up. */
  readonly ended: Promise<number | null>;
  /** Resolves when the process itself has ended. */
  readonly exited: Promise<unknown>;

  constructor(env: Record<string, string>) {
    this.#child = spawn(process.execPath, [main], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...readEnv(), ...env },
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) =>
      this.readies.push(readySchema.parse(JSON.parse(line))),
    );
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogLine);
      else this.said += `${line}\n`;
    });
    this.exited = once(this.#child, 'exit');
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its instance, once it is up for the so-manieth time. */
  ready(life = 1): Promise<z.infer<typeof readySchema>> {
    return eventually(() => {
      if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.said}`);
      return this.readies[life - 1];
    }, 60_000);
  }

  /** The first line of the log that says this. */
  logged(text: string): LogLine | undefined {
    return this.log.find(({ msg }) => msg?.includes(text));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it, and waits until it and its instance are gone. */
  async stop(): Promise<number | null> {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    await this.exited;
    const code = this.#child.exitCode;
    for (const { pid } of this.readies) await eventually(async () => !(await isAlive(pid)));
    return code;
  }
}
