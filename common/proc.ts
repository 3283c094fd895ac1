import { readdir, readFile } from 'node:fs/promises';

/** Every pid of this host, as far as this pid namespace shows it. */
export async function hostPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/**
 * What `/proc/PID/stat` (proc(5)) says after the name, from the state (field 3 there, 0 here) on; nothing where there is no such process.
 * The name in parentheses may hold anything.
 */
export async function statFields(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
