import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../helpers/random.ts';
import type { LogState } from '../guest/logs.ts';
import { type MachineFleet, MOUNT } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import { Worker } from '../machines/worker.ts';
import { type Races, raceClaims } from './races.ts';

/** How two hosts call themselves. */
export type Naming = 'different host names' | 'equal host names' | 'equal host names, nfs4_unique_id set';

export const NAMINGS: readonly Naming[] = [
  'different host names',
  'equal host names',
  'equal host names, nfs4_unique_id set',
];

export interface HostNames {
  naming: Naming;
  /** Whether the second client was given an exclusive lock that the first one held. */
  lock_given_twice: boolean;
  races: Races;
  /** Of each client's log, written and synced for some seconds at the same time: faults found in it, errors met, lines. */
  logs: { lines: number; faults: number; missing: number; errors: Record<string, number> }[];
}

const WRITING = 20_000;

/** What equal host names do to locks, to racing claims, and to files that each client writes for itself. */
export async function hostNames(
  fleet: MachineFleet,
  clients: readonly [Machine, Machine],
  naming: Naming,
  { random, rounds, label }: { random: SeededRandom; rounds: number; label: string },
): Promise<HostNames> {
  for (const client of clients) {
    const name = naming === 'different host names' ? client.name : 'twin';
    const id = naming.includes('unique') ? randomUUID() : '';
    // The client takes both when it mounts the first share of a server.
    await client.sh(`hostname ${name}; echo -n '${id}' >/sys/module/nfs/parameters/nfs4_unique_id`);
    await fleet.mount(client, 'lookupcache=positive');
  }
  const workers: [Worker, Worker] = [await Worker.start(clients[0]), await Worker.start(clients[1])];
  try {
    const lock_given_twice = await lockTwice(clients, `${MOUNT}/${label}.lock`);
    const races = await raceClaims(workers, random, label, rounds);
    return { naming, lock_given_twice, races, logs: await writeBoth(clients, workers, label) };
  } finally {
    for (const worker of workers) worker.end();
    for (const client of clients) {
      await fleet.unmount(client);
      await client.sh(`hostname ${client.name}; echo -n '' >/sys/module/nfs/parameters/nfs4_unique_id`);
    }
  }
}

async function lockTwice([one, other]: readonly [Machine, Machine], path: string): Promise<boolean> {
  const holder = await one.start(['flock', '-x', '-n', path, 'sh', '-c', 'echo held; exec sleep 600']);
  await new Promise<void>((resolve) => {
    holder.once('line', () => resolve());
    holder.once('end', () => resolve());
  });
  const answer = await other.sh(`timeout 30 flock -x -n ${path} echo given || echo refused`);
  holder.kill();
  return answer === 'given';
}

async function writeBoth(
  clients: readonly [Machine, Machine],
  workers: readonly [Worker, Worker],
  label: string,
): Promise<HostNames['logs']> {
  const directory = `${MOUNT}/${label}-logs`;
  await clients[0].sh(`mkdir ${directory}`);
  const written = [0, 0];
  const writers = workers.map((worker, index) =>
    worker.call<Record<string, number>>(
      'writeLog',
      { path: `${directory}/${index}.log`, writer: `client-${index}`, every: 20, sync: 500 },
      (event: { written: number }) => {
        written[index] = event.written;
      },
    ),
  );
  await sleep(WRITING);
  for (const worker of workers) await worker.call('stopWriting', {});
  const errors = await Promise.all(writers);
  const states = await workers[0].call<Record<string, LogState>>('readLogs', { directory });
  return errors.map((met, index) => {
    const state = states[`${index}.log`];
    const lines = state?.last ?? 0;
    return {
      lines,
      faults: state?.faults ?? 0,
      missing: Math.max(0, (written[index] ?? 0) - lines),
      errors: met,
    };
  });
}
