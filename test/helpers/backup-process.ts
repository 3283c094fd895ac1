import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { readEnv } from '../../common/env.ts';
import type { Operation } from '../../fleet/backup/api.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import { eventually } from './eventually.ts';

const main = fileURLToPath(new URL('../../dist/backup/main.js', import.meta.url));

/** A backup service in a process of its own. */
export interface BackupProcess {
  url: string;
  pid: number;
  /** What it wrote to its log. */
  log(): string;
  /** Asks it, as a router does. The status and the answer's JSON. */
  ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }>;
  /** Waits until it makes the backups, runs one, and gives the operation as it ended. */
  run(): Promise<Operation>;
  leads(): Promise<boolean>;
  /** Ends it with a signal, if it runs yet, and waits for its end. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
}

/** Starts one, which ends with the test at the latest; resolves once it listens. Makes no backup by itself soon. */
export async function startBackupProcess(fleet: {
  redisUrl: string;
  sessionPath: string;
  directory: string;
  token: string;
  env?: Record<string, string>;
}): Promise<BackupProcess> {
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...readEnv(),
      PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      WHATSAPP_SESSION_PATH: fleet.sessionPath,
      REDIS_URL: fleet.redisUrl,
      BACKUP_DIRECTORY: fleet.directory,
      BACKUP_SCHEDULE: '0 0 1 1 *',
      BACKUP_JITTER: '3600000',
      BACKUP_VERIFY_SCHEDULE: 'off',
      // The sessions of these tests have no databases that could be looked at.
      BACKUP_SAMPLE: '0',
      WHARF_SCRATCH: join(fleet.directory, '..', 'scratch'),
      WHARF_INTERNAL_TOKEN: fleet.token,
      LOG_LEVEL: 'debug',
      ...fleet.env,
    },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = once(child, 'exit');
  const kill = async (signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL') => {
    if (child.exitCode === null && child.signalCode === null) {
      // One that a test stopped would never see SIGTERM.
      child.kill('SIGCONT');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  onTestFinished(async () => {
    await kill();
  });
  for await (const line of createInterface(child.stdout)) {
    const { url, pid } = JSON.parse(line);
    const ask: BackupProcess['ask'] = async (method, path, body) => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { [INTERNAL_TOKEN_HEADER]: fleet.token, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.json() };
    };
    const leads = async () => (await ask('GET', '/ready')).status === 200;
    const run = async () => {
      await eventually(leads);
      const { body } = await ask('POST', '/api/backups');
      return await eventually(async () => {
        const { body: operation } = await ask('GET', `/api/backups/operations/${(body as Operation).id}`);
        return (operation as Operation).state !== 'running' && (operation as Operation);
      }, 60_000);
    };
    return { url, pid, log: () => log, ask, run, leads, kill };
  }
  throw new Error(`the backup service ended before it listened: ${log}`);
}
