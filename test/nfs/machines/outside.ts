import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type BenchProcess, startProgram } from '../../bench/support/processes.ts';
import { eventually } from '../../helpers/eventually.ts';
import { HOST_DATA } from './network.ts';

type Json = Record<string, unknown>;

const REDIS_PORT = 6379;

/** What a fleet needs beside its machines: Redis and the emulator, on the host's address of the data network. A machine that is cut off is cut off from them too. */
export class Outside {
  readonly redisUrl = `redis://${HOST_DATA}:${REDIS_PORT}`;
  readonly #redis: ChildProcess;
  readonly #emulator: BenchProcess;

  static async start(directory: string): Promise<Outside> {
    const settings = ['--bind', HOST_DATA, '--protected-mode', 'no', '--save', '', '--dir', directory];
    const redis = spawn('redis-server', ['--port', String(REDIS_PORT), ...settings], { stdio: 'ignore' });
    await eventually(() => listens(HOST_DATA, REDIS_PORT));
    const emulator = await startProgram('emulator/main.ts', { EMULATOR_BIND_ADDRESS: HOST_DATA });
    return new Outside(redis, emulator);
  }

  private constructor(redis: ChildProcess, emulator: BenchProcess) {
    this.#redis = redis;
    this.#emulator = emulator;
  }

  /** The environment that leads an instance to the emulator. */
  get webEnv(): Record<string, string> {
    const { https_port: port, spki } = this.#emulator.ready;
    return { WHATSAPP_WEB_RESOLVE: `${HOST_DATA}:${String(port)}`, WHATSAPP_WEB_SPKI: String(spki) };
  }

  /** A request to the emulator. Throws when it was no success. */
  async emulator(method: string, path: string, body?: Json): Promise<Json> {
    return await request(method, `${String(this.#emulator.ready['control_url'])}${path}`, {}, body);
  }

  async close(): Promise<void> {
    await this.#emulator.stop();
    const ended = once(this.#redis, 'exit');
    this.#redis.kill('SIGTERM');
    await ended;
  }
}

/** A request in JSON. Throws with the answer when it was no success. */
export async function request(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: Json,
): Promise<Json> {
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(120_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Json;
}

async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  return await new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).then((value) => {
    socket.destroy();
    return value === true;
  });
}
