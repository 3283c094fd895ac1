import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock } from '../../common/clock.ts';
import { readJson, replaceFile } from '../../common/files.ts';
import { processIdentity } from './process-identity.ts';

/** Name of the file, in the data directory, that lists the processes a fleet started. */
const FILE_NAME = 'processes.json';

const schema = z.array(
  z.object({ name: z.string(), pid: z.number().int().positive(), identity: z.string() }),
);

/** A process that a fleet started. */
export interface StartedProcess {
  name: string;
  pid: number;
}

/** Writes down which processes run, so that the next start can tell what the fleet before left behind. */
export async function recordProcesses(data: string, processes: StartedProcess[]): Promise<void> {
  const known = await Promise.all(
    processes.map(async (one) => ({ ...one, identity: await processIdentity(one.pid) })),
  );
  const living = known.filter((one) => one.identity !== null);
  await replaceFile(join(data, FILE_NAME), `${JSON.stringify(living)}\n`);
}

/**
 * Waits until the processes of the fleet before are gone: when that was killed they notice and end by themselves within seconds. Those
 * that do not are killed, since two Redis servers or instances on the same files would spoil them.
 *
 * @param patience milliseconds to wait before killing
 * @param onWait called once if there is something to wait for
 */
export async function waitForLeftovers(
  data: string,
  patience: number,
  onWait: (names: string[]) => void,
  clock: Clock = systemClock,
): Promise<void> {
  const recorded = (await readJson(join(data, FILE_NAME), schema)) ?? [];
  const end = clock.monotonic() + patience;
  for (let told = false; ; told = true) {
    const alive = await filterAsync(
      recorded,
      async (one) => (await processIdentity(one.pid)) === one.identity,
    );
    if (alive.length === 0) return;
    if (!told) onWait(alive.map((one) => one.name));
    if (clock.monotonic() > end) for (const one of alive) killGroup(one.pid);
    await clock.sleep(100);
  }
}

/** Kills the process group that a process leads; each process of a fleet leads one. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

async function filterAsync<T>(items: T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(items.map(test));
  return items.filter((_, index) => kept[index]);
}
