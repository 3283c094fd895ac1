import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readLocalFleet } from '../../../cli/local-fleet/record.ts';
import { eventually } from '../../helpers/eventually.ts';
import { RunningProgram } from './running-program.ts';

/** The local fleet as it was built: above this file, which is built too when it runs. */
const FLEET = fileURLToPath(new URL('../../../cli/local-fleet/main.js', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../../cli/main.js', import.meta.url));

const PATIENCE = 180_000;

const readySchema = z.object({
  url: z.url(),
  api_key: z.string(),
  emulator: z.url(),
  instances: z.array(z.object({ id: z.string(), pid: z.number(), url: z.url() })),
});

/** A whole fleet with the emulated WhatsApp, as `npm start` runs it. */
export class WatchedFleet {
  readonly url: string;
  readonly backupUrl: string;
  readonly redisUrl: URL;
  readonly instances: { id: string; url: string }[];
  readonly #data: string;
  readonly #key: string;
  readonly #emulator: string;
  readonly #program: RunningProgram;

  private constructor(
    data: string,
    program: RunningProgram,
    ready: z.infer<typeof readySchema>,
    urls: { backup: string; redis: string },
  ) {
    this.#data = data;
    this.#program = program;
    this.#key = ready.api_key;
    this.#emulator = ready.emulator;
    this.url = ready.url;
    this.instances = ready.instances;
    this.backupUrl = urls.backup;
    this.redisUrl = new URL(urls.redis);
  }

  /** Starts it in an empty directory. Throws with what it said where it does not become ready. */
  static async start(data: string, instances: number): Promise<WatchedFleet> {
    const args = [FLEET, '--data', data, '--port', '0', '--json', '--instances', String(instances)];
    const program = new RunningProgram(process.execPath, args);
    await eventually(() => program.out.includes('\n') || program.hasEnded, PATIENCE).catch(() => {});
    if (!program.out.includes('\n')) {
      await program.end('SIGINT');
      throw new Error(`the fleet did not start: ${program.err}`);
    }
    const ready = readySchema.parse(JSON.parse(program.out));
    const log = await readFile(join(data, 'logs', 'backup.log'), 'utf8');
    const backup = z.url().parse(/"url":"(http:[^"]+)"/.exec(log)?.[1]);
    const redis = (await readLocalFleet(data))?.redis_url ?? '';
    return new WatchedFleet(data, program, ready, { backup, redis });
  }

  async end(): Promise<void> {
    await this.#program.end('SIGINT');
  }

  /** Asks the router. */
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'x-api-key': this.#key, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** Follows the fleet's events until aborted, and throws what comes away. */
  async follow(signal: AbortSignal): Promise<void> {
    const answer = await fetch(`${this.url}/api/whatsapp/events`, {
      headers: { 'x-api-key': this.#key },
      signal,
    });
    const reader = answer.body?.getReader();
    while (reader && !(await reader.read()).done);
  }

  /** A message comes in. */
  async deliver(phone: string, from: string, body: string): Promise<void> {
    await fetch(`${this.#emulator}/deliver`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ phone, from, body }),
    });
  }

  /** Runs `wharf`; throws with what it said where it fails. */
  async wharf(...words: string[]): Promise<void> {
    const command = new RunningProgram(process.execPath, [COMMAND, '--data', this.#data, ...words]);
    await eventually(() => command.hasEnded, PATIENCE);
    if (command.err !== '' && /^(error|wharf):/im.test(command.err))
      throw new Error(`wharf ${words.join(' ')}: ${command.err}`);
  }

  /** The processes of an instance: its supervisor and itself. */
  async processesOf(instance: string): Promise<number[]> {
    const list = z.array(z.object({ name: z.string(), pid: z.number() }));
    const all = list.parse(JSON.parse(await readFile(join(this.#data, 'processes.json'), 'utf8')));
    return all
      .filter(({ name }) => name === instance || name === `supervisor of ${instance}`)
      .map(({ pid }) => pid);
  }
}
