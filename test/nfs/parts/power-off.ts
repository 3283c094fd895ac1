import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../../helpers/random.ts';
import type { LogState } from '../guest/logs.ts';
import type { Steps } from '../guest/takeover.ts';
import { SESSIONS } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import { Worker } from '../machines/worker.ts';

/** Between two lines of a log, milliseconds. */
const EVERY = 20;
/** Between two syncs of the log that is synced. */
const SYNC = 5000;
/** `T_wait`. */
const WAIT = 8000;

/** The kernel writes back what is 30 s old, every 5 s: by then both logs are in their usual state. */
const WARM = 45_000;

export interface PowerOff {
  /** Whether the server gave delegations. */
  delegations: boolean;
  /** Delegations and opens the server had given to the client that then lost its power. */
  states: string;
  /** How long each step of the takeover took, milliseconds. */
  steps: Steps;
  /** The same for what is tidied up afterwards. */
  discard: Steps;
  /** Seconds of writing that the new generation lacks, by log. */
  lost: { unsynced: number; synced: number };
  faults: number;
}

/** The owner's machine loses its power while it writes; the other one takes over. */
export async function powerOff(
  {
    owner,
    heir,
    server,
    remove,
  }: { owner: Machine; heir: Worker; server: Machine; remove: (machine: Machine) => Promise<void> },
  { random, workspace, delegations }: { random: SeededRandom; workspace: string; delegations: boolean },
): Promise<PowerOff> {
  const call = { sessions: SESSIONS, workspace };
  const worker = await Worker.start(owner);
  // A server hands out delegations unless it is told not to; the client asks for none, it gets them.
  await server.sh(`echo ${delegations ? 1 : 0} >/proc/sys/fs/leases-enable`);
  const directory = await worker.call<string>('beginSession', { ...call, instance: 'instance-1' });
  for (let read = 0; read < 2; read += 1) await worker.call('readRecord', call);
  // As a supervisor that joins reads those of all others.
  const beacon = { sessions: SESSIONS, instance: 'instance-2' };
  await heir.call('beacon', { ...beacon, read: false });
  for (let read = 0; read < 2; read += 1) await worker.call('beacon', { ...beacon, read: true });
  // As a browser has its tables open.
  const tail = await owner.start(['tail', '-f', `${directory}/000005.ldb`]);
  const written: Record<string, number> = {};
  for (const [name, sync] of [
    ['000003.log', 0],
    ['000004.log', SYNC],
  ] as const)
    worker
      .call(
        'writeLog',
        { path: `${directory}/${name}`, writer: 'owner', every: EVERY, sync },
        (event: { written: number }) => {
          written[name] = event.written;
        },
      )
      .catch(() => {});
  await sleep(WARM + random.between(0, 10_000));
  const states = await statesOf(server);
  tail.kill();
  const atTheEnd = { ...written };
  await remove(owner);
  // The other host's supervisor starts anew meanwhile.
  const restarting = heir.call<number>('beacon', { ...beacon, read: false });
  const steps = await heir.call<Steps>('takeOver', { ...call, instance: 'instance-2', wait: WAIT });
  steps['meanwhile: write a beacon that the lost machine had read'] = await restarting;
  const adopted = await heir.call<string>('databaseDirectory', { ...call, generation: 2 });
  const logs = await heir.call<Record<string, LogState>>('readLogs', { directory: adopted });
  const discard = await heir.call<Steps>('discard', { ...call, generation: 1 });
  const lost = (name: string) =>
    Math.round((Math.max(0, (atTheEnd[name] ?? 0) - (logs[name]?.last ?? 0)) * EVERY) / 100) / 10;
  return {
    delegations,
    states,
    steps,
    discard,
    lost: { unsynced: lost('000003.log'), synced: lost('000004.log') },
    faults: Object.values(logs).reduce((sum, { faults }) => sum + faults, 0),
  };
}

/** What the server has given to its clients, by kind. */
async function statesOf(server: Machine): Promise<string> {
  const text = await server.sh(
    "cat /proc/fs/nfsd/clients/*/states 2>/dev/null | grep -o 'type: [a-z]*' || true",
  );
  const kinds: Record<string, number> = {};
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const kind = line.replace('type: ', '');
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return Object.entries(kinds)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}
