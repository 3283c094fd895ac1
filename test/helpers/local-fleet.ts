import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type LocalFleetRecord, readLocalFleet } from '../../cli/local-fleet/record.ts';
import { readEnv } from '../../common/env.ts';
import { eventually } from './eventually.ts';

const main = fileURLToPath(new URL('../../dist/cli/local-fleet/main.js', import.meta.url));
const program = fileURLToPath(new URL('../../bin/wharf.mjs', import.meta.url));
const START_PATIENCE = 120_000;

/** What a program did. */
export interface Finished {
  code: number;
  /** Standard output and standard error, as they came. */
  said: string;
}

/** A fleet as `npm start` runs it, as processes of the build, from a data directory. */
export class LocalFleetProcess {
  readonly data: string;
  #child: ChildProcess | undefined;

  constructor(data: string) {
    this.data = data;
  }

  /** Starts it on free ports; it is ready when this resolves. Throws with what it said where it does not become so. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [main, '--data', this.data, '--port', '0', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: readEnv(),
    });
    this.#child = child;
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    await eventually(() => out.includes('\n') || child.exitCode !== null, START_PATIENCE);
    if (!out.includes('\n')) throw new Error(`the fleet did not start: ${err}`);
  }

  /** Ends it as Ctrl-C does, and waits for that. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
  }

  /** How it is reached now. */
  async record(): Promise<LocalFleetRecord> {
    const record = await readLocalFleet(this.data);
    if (record === null) throw new Error(`no fleet runs from ${this.data}`);
    return record;
  }

  /** The process of a part, such as `redis` or `backup`, as it is now. */
  async processOf(name: string): Promise<number> {
    const list = z.array(z.object({ name: z.string(), pid: z.number() }));
    const processes = list.parse(JSON.parse(await readFile(join(this.data, 'processes.json'), 'utf8')));
    const found = processes.find((one) => one.name === name);
    if (found === undefined) throw new Error(`${name} is none of ${processes.map((one) => one.name)}`);
    return found.pid;
  }

  /** Runs the `wharf` command against it. */
  wharf(...words: string[]): Promise<Finished> {
    return finished(process.execPath, [program, '--data', this.data, ...words], {});
  }

  /** Asks its router with an admin key; undefined where it does not answer with 200. */
  async ask<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
    const { url, api_key } = await this.record();
    const answer = await fetch(`${url}${path}`, { headers: { 'x-api-key': api_key } }).catch(() => undefined);
    return answer?.status === 200 ? schema.parse(await answer.json()) : undefined;
  }

  /** Asks its emulator's control API. Throws where it refuses. */
  async tellEmulator(path: string, body: unknown): Promise<unknown> {
    const { emulator } = await this.record();
    const answer = await fetch(`${emulator}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }
}

/** Runs a program to its end. @param env beside this process's own */
export async function finished(
  file: string,
  words: readonly string[],
  env: Record<string, string>,
): Promise<Finished> {
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...readEnv(), ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const [code] = await once(child, 'close');
  return { code: z.number().catch(-1).parse(code), said };
}
