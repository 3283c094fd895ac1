import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * What tells a process from a later one of the same id: when it was started. Null when there is no such process, or only its
 * zombie.
 */
export async function processIdentity(pid: number): Promise<string | null> {
  return process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
}

/** proc(5), `/proc/PID/stat`: the name in parentheses may hold anything; after it come state (field 3) ... start time in ticks (field 22). */
async function fromProc(pid: number): Promise<string | null> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' || started === undefined ? null : started;
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
