import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sh } from './shell.ts';

/** The host's address on the data network, where Redis, the routers and the emulator answer. */
export const HOST_DATA = '10.79.0.254';

/** Addresses of a machine by its number, 1 to 200: what its instances and NFS use, and what the proof steers it through. */
export function addressesOf(number: number): { data: string; control: string } {
  return { data: `10.79.0.${number}`, control: `10.78.0.${number}` };
}

/**
 * Runs a program in a network and a process namespace of its own: nothing outside can be reached from there or reach in, and all that
 * it started ends with it. Answers its exit code.
 */
export async function runApart(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const apart = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  signal.throwIfAborted();
  const child = spawn('unshare', [...apart, '--', 'nice', '-n', '19', ...argv], { stdio: 'inherit' });
  // unshare(1) itself ignores gentler signals; all that is in the namespace goes with it.
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end);
  const [code] = await once(child, 'exit');
  signal.removeEventListener('abort', end);
  return (code as number | null) ?? 1;
}

/** Makes the two networks of the machines, each a bridge, in the namespace this process is in. */
export async function makeNetworks(): Promise<void> {
  await sh('ip', ['link', 'set', 'lo', 'up']);
  for (const [bridge, address] of [
    ['data', HOST_DATA],
    ['control', '10.78.0.254'],
  ] as const) {
    await sh('ip', ['link', 'add', bridge, 'type', 'bridge']);
    await sh('ip', ['addr', 'add', `${address}/24`, 'dev', bridge]);
    await sh('ip', ['link', 'set', bridge, 'up']);
  }
}

/** Makes the two plugs of a machine, one in each network. Answers their names. */
export async function makePlugs(number: number): Promise<{ data: string; control: string }> {
  const plugs = { data: `data${number}`, control: `control${number}` };
  for (const [bridge, plug] of Object.entries(plugs)) {
    await sh('ip', ['tuntap', 'add', 'dev', plug, 'mode', 'tap']);
    await sh('ip', ['link', 'set', plug, 'master', bridge]);
    await sh('ip', ['link', 'set', plug, 'up']);
  }
  return plugs;
}

export async function removePlugs(plugs: { data: string; control: string }): Promise<void> {
  for (const plug of Object.values(plugs)) await sh('ip', ['link', 'del', plug]);
}

/** Pulls a plug, or puts it in again. */
export async function plug(name: string, inserted: boolean): Promise<void> {
  await sh('ip', ['link', 'set', name, inserted ? 'up' : 'down']);
}
