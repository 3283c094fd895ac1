import { setTimeout as sleep } from 'node:timers/promises';
import { MOUNT, SESSIONS } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import type { Worker } from '../machines/worker.ts';

export interface ServerRestart {
  /** The server's grace period, seconds. */
  grace: number;
  /** How long one call took that was made at the restart, milliseconds, by call. */
  took: Record<string, number>;
  /** Errors of a log that was written and synced all the while. */
  log_errors: Record<string, number>;
}

/** The file server's service is restarted: how long a client's calls hang. */
export async function serverRestart(
  { server, client }: { server: Machine; client: Worker },
  workspace: string,
): Promise<ServerRestart> {
  const call = { sessions: SESSIONS, workspace };
  await client.call('claim', { ...call, epoch: 1, instance: 'instance-1' });
  await client.call('replace', { path: `${MOUNT}/${workspace}.json`, version: 1 });
  const path = `${MOUNT}/${workspace}.log`;
  const writing = client.call<Record<string, number>>('writeLog', {
    path,
    writer: 'owner',
    every: 20,
    sync: 500,
  });
  await sleep(5000);
  const grace = Number(await server.sh('cat /proc/fs/nfsd/nfsv4gracetime'));
  await server.sh('rpc.nfsd 0; rpc.nfsd --no-nfs-version 3 --no-udp 8');
  const took: Record<string, number> = {};
  const timed = async (name: string, work: Promise<unknown>) => {
    const started = performance.now();
    await work;
    took[name] = Math.round(performance.now() - started);
  };
  const looks = { ...call, workspaces: [workspace], epoch: 1, pause: 10 };
  await Promise.all([
    timed('list the claims', client.call('look', { ...looks, how: 'list' })),
    timed('open a claim', client.call('look', { ...looks, how: 'open' })),
    timed('make a claim', client.call('claim', { ...call, epoch: 2, instance: 'instance-1' })),
    timed('replace a record', client.call('replace', { path: `${MOUNT}/${workspace}.json`, version: 2 })),
  ]);
  await client.call('stopWriting', {});
  return { grace, took, log_errors: await writing };
}
