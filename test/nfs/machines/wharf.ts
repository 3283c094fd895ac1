import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../say.ts';
import { SESSIONS } from './fleet.ts';
import type { GuestProcess } from './guest-process.ts';
import type { Machine } from './machine.ts';
import { type Outside, request } from './outside.ts';

type Json = Record<string, unknown>;

const PROGRAMS = '/wharf/app/dist';
const INSTANCE_PORT = '3001';
const ROUTER_PORT = '3000';
const ADMIN_KEY = 'the-admin-key-of-the-proof-on-nfs-0123456789';
/** How long a program may take to say that it is ready, milliseconds: machines are emulated, and so slow. */
const START = 240_000;
const STARTS = 5;

/** The environment of all programs of the fleet. */
function fleetEnv(outside: Outside, machine: Machine): Record<string, string> {
  return {
    REDIS_URL: outside.redisUrl,
    WHATSAPP_SESSION_PATH: SESSIONS,
    WHATSAPP_INSTANCE_COUNT: '2',
    WHATSAPP_MAX_SESSIONS_PER_INSTANCE: '20',
    WHARF_INTERNAL_TOKEN: 'the-token-of-the-proof-on-nfs-0123456789abcdef',
    BIND_ADDRESS: machine.data,
  };
}

/**
 * Starts the supervisor of an instance in a machine, and waits until its instance is ready. One that refuses is started again, as systemd
 * does: on a machine as slow as these a deadline may pass while Node still loads a program.
 */
export async function startInstance(machine: Machine, id: string, outside: Outside): Promise<GuestProcess> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(machine, id, outside);
    } catch (error) {
      if (attempt >= STARTS) throw error;
      say(`${id} did not start, and is started again: ${String(error).split('\n').at(-1)}`);
    }
  }
}

async function startOnce(machine: Machine, id: string, outside: Outside): Promise<GuestProcess> {
  return await startReady(machine, ['instance/supervisor/main.js'], {
    ...fleetEnv(outside, machine),
    ...outside.webEnv,
    INSTANCE_ID: id,
    PORT: INSTANCE_PORT,
    // Debian's command is a script; this is what it runs.
    CHROMIUM_PATH: '/usr/lib/chromium/chromium-headless-shell',
    WHARF_CHROMIUM_SANDBOX: 'off',
    WHATSAPP_START_TIMEOUT: '300000',
    WHATSAPP_PING_TIMEOUT: '60000',
  });
}

/** A router in a machine, and its API. */
export class Router {
  readonly process: GuestProcess;
  readonly #url: string;

  static async start(machine: Machine, outside: Outside): Promise<Router> {
    const env = { ...fleetEnv(outside, machine), PORT: ROUTER_PORT, WHARF_ADMIN_KEY: ADMIN_KEY };
    const process = await startReady(machine, ['router/main.js'], env);
    return new Router(process, `http://${machine.data}:${ROUTER_PORT}`);
  }

  private constructor(process: GuestProcess, url: string) {
    this.process = process;
    this.#url = url;
  }

  /** A request with the admin key. Throws when it was no success. */
  async ask(method: string, path: string, body?: Json): Promise<Json> {
    return await request(method, `${this.#url}${path}`, { 'x-api-key': ADMIN_KEY }, body);
  }
}

async function startReady(
  machine: Machine,
  argv: string[],
  env: Record<string, string>,
): Promise<GuestProcess> {
  const [main = '', ...rest] = argv;
  const process = await machine.start(['/wharf/node', `${PROGRAMS}/${main}`, ...rest], env);
  const log = join(machine.directory, `${machine.name}.${main.split('/')[0]}.log`);
  process.on('errors', (text) => appendFileSync(log, text));
  const late = AbortSignal.timeout(START);
  const line = once(process, 'line', { signal: late });
  const end = process.ended.then(({ code, errors }) => {
    throw new Error(
      `${main} in ${machine.name} ended with ${code} before it was ready:\n${errors.slice(-4000)}`,
    );
  });
  end.catch(() => {});
  await Promise.race([line, end]);
  return process;
}
