import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Env } from '../../common/env.ts';
import { instanceId } from '../../fleet/placement.ts';
import { INSTANCE_NODE_FLAGS } from '../../instance/config.ts';
import type { ProcessPlan } from './kept-process.ts';

/** What the emulator is ready with. */
const emulatorSchema = z.object({
  https_port: z.number().int(),
  control_url: z.url(),
  spki: z.string(),
});
export type EmulatorReady = z.infer<typeof emulatorSchema>;

const instanceSchema = z.object({ instance: z.string(), url: z.url(), pid: z.number().int() });
export type InstanceReady = z.infer<typeof instanceSchema>;

const routerSchema = z.object({ url: z.url() });
export type RouterReady = z.infer<typeof routerSchema>;

const backupsSchema = z.object({ url: z.url() });
export type BackupsReady = z.infer<typeof backupsSchema>;

/** What all processes of the fleet share. */
export interface Surroundings {
  /** What this process was started with: it is passed on, so that any setting can be given to `npm start`. */
  env: Env;
  data: string;
  logs: string;
  sessions: string;
  redisUrl: string;
  instances: number;
}

const START_TIME = 60_000;
/** Above the processes' own deadlines for closing, so that killing is for those that hang. */
const STOP_TIME = 30_000;
/** A supervisor gives its instance those 30 s, and sees all of its processes end. */
const SUPERVISOR_STOP_TIME = 60_000;
const LOOPBACK = '127.0.0.1';

/** The emulator; its accounts, ports and key outlive its restarts. */
export function planEmulator({ env, data, logs }: Surroundings): ProcessPlan<EmulatorReady> {
  return {
    ...nodeProgram('emulator', 'emulator/main.js', logs),
    env: (last) => ({
      ...env,
      EMULATOR_DATA: join(data, 'emulator'),
      EMULATOR_PORT: String(last?.https_port ?? 0),
      EMULATOR_CONTROL_PORT: last === null ? '0' : portOf(last.control_url),
    }),
    ready: (line) => parseLine(line, emulatorSchema),
  };
}

/** An instance, by its supervisor; started again it has the port it had. What it is ready with names the instance's own process. */
export function planInstance(
  around: Surroundings,
  number: number,
  emulator: EmulatorReady | null,
): ProcessPlan<InstanceReady> {
  const id = instanceId(number);
  return {
    ...nodeProgram(id, 'instance/supervisor/main.js', around.logs, INSTANCE_NODE_FLAGS),
    stopTime: SUPERVISOR_STOP_TIME,
    env: (last) => ({
      ...fleetEnv(around),
      INSTANCE_ID: id,
      PORT: last === null ? '0' : portOf(last.url),
      BIND_ADDRESS: LOOPBACK,
      ...(emulator === null
        ? {}
        : { WHATSAPP_WEB_RESOLVE: `${LOOPBACK}:${emulator.https_port}`, WHATSAPP_WEB_SPKI: emulator.spki }),
    }),
    ready: (line) => parseLine(line, instanceSchema),
  };
}

/**
 * The router.
 *
 * @param port never 0: who has its URL finds it there after a restart
 */
export function planRouter(
  around: Surroundings,
  port: number,
  address: string,
  adminKey: string,
): ProcessPlan<RouterReady> {
  return {
    ...nodeProgram('router', 'router/main.js', around.logs),
    env: () => ({
      ...fleetEnv(around),
      PORT: String(port),
      BIND_ADDRESS: address,
      WHARF_ADMIN_KEY: adminKey,
    }),
    ready: (line) => parseLine(line, routerSchema),
  };
}

/** The backup service; backups go to the data directory unless the environment names a bucket or another directory. */
export function planBackups(around: Surroundings): ProcessPlan<BackupsReady> {
  return {
    ...nodeProgram('backup', 'backup/main.js', around.logs),
    env: (last) => ({
      ...fleetEnv(around),
      ...(isBackupPlaceGiven(around.env) ? {} : { BACKUP_DIRECTORY: backupsDirectory(around.data) }),
      PORT: last === null ? '0' : portOf(last.url),
      BIND_ADDRESS: LOOPBACK,
    }),
    ready: (line) => parseLine(line, backupsSchema),
  };
}

/** Where a fleet in a data directory keeps its backups: beside the sessions, never among them. */
export function backupsDirectory(data: string): string {
  return join(data, 'backups');
}

/** Whether whoever starts the fleet says where backups are kept. */
export function isBackupPlaceGiven(env: Env): boolean {
  return Boolean(env['BACKUP_S3_BUCKET'] || env['BACKUP_DIRECTORY']);
}

function fleetEnv({ env, data, redisUrl, sessions, instances }: Surroundings): Env {
  return {
    // Not shared with another fleet on this machine.
    WHARF_SCRATCH: join(data, 'scratch'),
    ...env,
    REDIS_URL: redisUrl,
    WHATSAPP_SESSION_PATH: sessions,
    WHATSAPP_INSTANCE_COUNT: String(instances),
  };
}

function nodeProgram(name: string, file: string, logs: string, nodeFlags: readonly string[] = []) {
  // This file is dist/cli/local-fleet/plans.js when it runs.
  const main = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  return {
    name,
    program: process.execPath,
    args: [...nodeFlags, main],
    logFile: join(logs, `${name}.log`),
    startTime: START_TIME,
    stopTime: STOP_TIME,
  };
}

function parseLine<Schema extends z.ZodType>(line: string, schema: Schema): z.infer<Schema> | null {
  if (!line.startsWith('{')) return null;
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

function portOf(url: string): string {
  return new URL(url).port;
}
