import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { processStart } from '../../fleet/host-identity.ts';

const run = promisify(execFile);

/**
 * What tells a process from a later one of the same id: when it was started. Null when there is no such process, or only its
 * zombie.
 */
export async function processIdentity(pid: number): Promise<string | null> {
  return process.platform === 'linux' ? await processStart(pid) : await fromPs(pid);
}

async function fromPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
    const match = /^(\S+)\s+(.+)$/.exec(stdout.trim());
    return match === null || match[1]?.startsWith('Z') ? null : (match[2] ?? null);
  } catch {
    return null;
  }
}
