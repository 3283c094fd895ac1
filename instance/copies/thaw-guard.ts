import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { withDeadline } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';

/**
 * Whatever ends the wait, the group goes on: a word from us, the end of the pipe (this process is gone, kill -9 included), or the time limit (this process was stopped itself,
 * or hangs). A signal to the guard ends the wait too. To tell a group that runs to go on changes nothing.
 */
const SCRIPT = `trap : HUP INT TERM
echo ready
read -r go
timeout -s KILL "$2" cat >/dev/null
kill -s CONT -- "-$1"`;

/** How long the guard may take to start, and to end once it was told to, milliseconds. */
const START_PATIENCE = 5000;
const END_PATIENCE = 3000;

/**
 * A process of its own, in a session of its own, that lets a stopped process group go on. Start it before the group is stopped. It needs a POSIX shell and `timeout`
 * (coreutils, BusyBox).
 */
export class ThawGuard {
  readonly #child: ChildProcess;
  /** Resolves when it has ended: from then on nobody but us watches. */
  readonly ended: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = once(child, 'close').then(
      () => {},
      () => {},
    );
    // It may be gone when it is written to; `ended` tells.
    child.stdin?.on('error', () => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Starts one for a group.
   *
   * @param limit how long the group stays stopped at most, milliseconds
   * @throws WharfError `internal` where it does not start
   */
  static async start(group: number, limit: number): Promise<ThawGuard> {
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'wharf-thaw', String(group), String(limit / 1000)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      // None of ours: it outlives whatever is looked for by its environment, and it has no use for secrets.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    });
    const guard = new ThawGuard(child);
    const ready = Promise.race([
      once(child.stdout, 'data'),
      guard.ended.then(() => Promise.reject(new Error('it ended at once'))),
    ]);
    try {
      await withDeadline(ready, START_PATIENCE, () => new Error(`not ready after ${START_PATIENCE} ms`));
      return guard;
    } catch (error) {
      await guard.end();
      throw new WharfError(
        'internal',
        'The process that would let a frozen browser go on does not start, so that none is frozen. It needs /bin/sh and timeout (coreutils).',
        { cause: error },
      );
    }
  }

  /** The time limit counts from now. Written to the pipe at once: it holds though this process should end next. */
  arm(): void {
    this.#child.stdin?.write('go\n');
  }

  /** Lets the group go on, and waits until the guard has ended: what it still sends would spoil the next freeze. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await withDeadline(this.ended, END_PATIENCE, () => new Error('late')).catch(() => {
      this.#child.kill('SIGKILL');
    });
  }
}
