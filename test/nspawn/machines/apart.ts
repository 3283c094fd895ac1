import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Reads process ids, one a line. At the end of its input, which comes when the proof closes it or is gone, kills the last one (0: none is left),
 * and with it all that is in its process namespace; then removes the control groups given as $1 ..., and the directory given as $0.
 */
const GUARD = `
while read -r pid; do last=$pid; done
[ "\${last:-0}" = 0 ] || kill -KILL "$last" 2>/dev/null
for try in $(seq 1 400); do
  left=
  for group; do
    [ -d "$group" ] || continue
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$group" ] || left=1
  done
  [ -n "$left" ] || break
  sleep 0.05
done
rm -rf "$0"
`;

/** What a program that runs apart is made of, outside of its namespaces. */
export interface Apart {
  /** Control groups of this run, one a hierarchy of systemd: what machines run in goes below. */
  groups: string[];
  /** Removed in the end with all that is in it; undefined: left. */
  directory: string | undefined;
}

/**
 * Runs a program in a network, a mount and a process namespace of its own: nothing outside can be reached from there or reach in, and all that
 * it started and mounted ends with it, whether it ends, or this process does. Answers its exit code.
 */
export async function runApart(argv: readonly string[], apart: Apart, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const guard = startGuard(apart);
  try {
    for (const group of apart.groups) await mkdir(group, { recursive: true });
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
    const child = spawn('unshare', [...namespaces, '--', ...argv], { stdio: 'inherit' });
    guard.stdin?.write(`${child.pid}\n`);
    // unshare(1) itself ignores gentler signals; all that is in the namespace goes with it.
    const end = () => child.kill('SIGKILL');
    signal.addEventListener('abort', end);
    const [code] = await once(child, 'exit');
    signal.removeEventListener('abort', end);
    return (code as number | null) ?? 1;
  } finally {
    const ended = once(guard, 'exit');
    guard.stdin?.end('0\n');
    await ended;
  }
}

/** In a session of its own: Ctrl-C in the terminal must not end it together with the proof. */
function startGuard({ directory, groups }: Apart): ChildProcess {
  const guard = spawn('sh', ['-c', GUARD, directory ?? '/nonexistent', ...groups], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  guard.stdin.on('error', () => {});
  return guard;
}

/** Where control groups named so would lie, below this process's own: one in each hierarchy that systemd works with. */
export async function controlGroups(name: string): Promise<string[]> {
  const own = new Map<string, string>();
  for (const line of (await readFile('/proc/self/cgroup', 'utf8')).split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers !== undefined && path !== undefined) own.set(controllers, path);
  }
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return mounts.flatMap(([, place = '', type, options = '']) => {
    if (type === 'cgroup2') return [join(place, own.get('') ?? '', name)];
    if (type === 'cgroup' && options.split(',').includes('name=systemd'))
      return [join(place, own.get('name=systemd') ?? '', name)];
    return [];
  });
}
