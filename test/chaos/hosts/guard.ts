import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Reads the ids of network namespaces, one a line. At the end of its input, which comes when the test's process closes it or is gone, kills
 * every process in them until none is left (one that was just killed may take a moment, and one that waits for a stopped file system goes only
 * when that one is killed too), and removes the directory given as $0. Says what it could not end.
 */
const SCRIPT = `
set -- /dev/null
while read -r id; do set -- "$@" -o -lname "$id"; done
shift
left() { find /proc/[0-9]*/ns/net -maxdepth 0 -lname 'net:none' "$@" 2>/dev/null; }
for try in $(seq 1 200); do
  found=$(left "$@")
  [ -n "$found" ] || break
  for path in $found; do pid=\${path#/proc/}; kill -KILL "\${pid%%/*}" 2>/dev/null; done
  sleep 0.05
done
rm -rf "$0"
for path in $found; do echo "still runs: $path"; done
[ -z "$found" ]
`;

/** A process that cleans up after this one, whether this one asks for it or dies. */
export class Guard {
  readonly #child: ChildProcess;
  #errors = '';

  /** @param directory removed in the end with all that is in it */
  constructor(directory: string) {
    // In a session of its own: Ctrl-C in the terminal must not end it together with the test.
    this.#child = spawn('sh', ['-c', SCRIPT, directory], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#child.stdin?.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#errors += chunk.toString();
      });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @param namespace `net:[4026532280]`; what runs in it will be killed */
  watch(namespace: string): void {
    // Brackets mean something else to find.
    this.#child.stdin?.write(`${namespace.replaceAll(/[[\]]/g, '?')}\n`);
  }

  /** Cleans up now. Throws when something could not be ended within ten seconds. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const [code] = await ended;
    if (code !== 0) throw new Error(`cleaning up after the hosts failed: ${this.#errors.trim()}`);
  }
}
