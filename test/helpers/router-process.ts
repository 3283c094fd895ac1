import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { readEnv } from '../../common/env.ts';
import { ADMIN_KEY, type TestFleet } from './router.ts';

const main = fileURLToPath(new URL('../../dist/router/main.js', import.meta.url));

/** A router of a test's fleet in a process of its own. */
export interface RouterProcess {
  url: string;
  /** Ends it with SIGKILL, if it runs yet, and waits for its end. */
  kill(): Promise<void>;
  /** Asks it to stop, as systemd does, and waits for its end. Resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts one, which ends with the test at the latest; resolves once it is ready. */
export async function startRouterProcess(
  fleet: Pick<TestFleet, 'redis' | 'sessionPath'>,
  env: Record<string, string> = {},
): Promise<RouterProcess> {
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...readEnv(),
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      WHATSAPP_INSTANCE_COUNT: '2',
      WHATSAPP_SESSION_PATH: fleet.sessionPath,
      REDIS_URL: fleet.redis.url,
      WHARF_ADMIN_KEY: ADMIN_KEY,
      ...env,
    },
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const stop = async () => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = await exited;
    return code;
  };
  onTestFinished(kill);
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line);
    if (typeof url === 'string') return { url, kill, stop };
  }
  throw new Error('the router ended before it was ready');
}
