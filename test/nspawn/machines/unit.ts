import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from './machine.ts';

/** How long a unit may take to come to a state, milliseconds. */
const PATIENCE = 300_000;
/** Between two looks, milliseconds. */
const POLL = 50;

/** What systemd says of a unit. */
export interface UnitState {
  active: string;
  sub: string;
  /** `success`, `signal`, `watchdog`, `timeout` ...: of its last run that ended. */
  result: string;
  pid: number;
  /** How often systemd itself started it again. */
  restarts: number;
  status: string;
}

/** A service of a machine. */
export class Unit {
  readonly machine: Machine;
  readonly name: string;

  constructor(machine: Machine, name: string) {
    this.machine = machine;
    this.name = name;
  }

  async state(): Promise<UnitState> {
    const show = await this.show(['ActiveState', 'SubState', 'Result', 'MainPID', 'NRestarts', 'StatusText']);
    return {
      active: show['ActiveState'] ?? '',
      sub: show['SubState'] ?? '',
      result: show['Result'] ?? '',
      pid: Number(show['MainPID'] ?? 0),
      restarts: Number(show['NRestarts'] ?? 0),
      status: show['StatusText'] ?? '',
    };
  }

  async show(properties: readonly string[]): Promise<Record<string, string>> {
    const text = await this.machine.run(['systemctl', 'show', this.name, `--property=${properties.join()}`]);
    return Object.fromEntries(
      text.split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  async start(): Promise<void> {
    await this.machine.run(['systemctl', 'start', this.name]);
  }

  async stop(): Promise<void> {
    await this.machine.run(['systemctl', 'stop', this.name]);
  }

  /** Waits for a state of it. */
  async until(what: string, holds: (state: UnitState) => boolean): Promise<UnitState> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      const state = await this.state();
      if (holds(state)) return state;
      if (performance.now() > end)
        throw new Error(
          `${this.name} on ${this.machine.name} is not ${what}, but ${JSON.stringify(state)}:\n${await this.journal()}`,
        );
      await sleep(POLL);
    }
  }

  /** Waits until another process than this is its main one, and has said that it is ready. */
  async again(before: UnitState): Promise<UnitState> {
    return await this.until(
      'up again',
      ({ active, pid }) => active === 'active' && pid !== 0 && pid !== before.pid,
    );
  }

  /** The processes of its control group, with their command lines; pids are the machine's. */
  async processes(): Promise<{ pid: number; command: string }[]> {
    const { ControlGroup: group = '' } = await this.show(['ControlGroup']);
    if (group === '') return [];
    const lines = await this.machine.sh(
      `find /sys/fs/cgroup/systemd${group} /sys/fs/cgroup${group} -name cgroup.procs 2>/dev/null | xargs -r cat | sort -nu | while read -r pid; do
         [ -r "/proc/$pid/cmdline" ] && printf '%s %s\\n' "$pid" "$(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
       done; true`,
    );
    return lines.split('\n').flatMap((line) => {
      const [, pid, command] = /^(\d+) (.+)$/.exec(line.trim()) ?? [];
      return pid === undefined || command === undefined ? [] : [{ pid: Number(pid), command }];
    });
  }

  /** Sends a signal to one process. */
  async signal(pid: number, signal: 'KILL' | 'STOP' | 'CONT'): Promise<void> {
    await this.machine.run(['kill', `-${signal}`, String(pid)]);
  }

  /** With what results it failed since a time (wall clock, ms), as systemd wrote it down: a unit that runs again has the result `success`. */
  async failures(since: number): Promise<string[]> {
    const text = await this.machine.run([
      ...['journalctl', '--no-pager', '-o', 'cat', '-u', this.name, `--since=@${(since / 1000).toFixed(3)}`],
    ]);
    return [...text.matchAll(/Failed with result '([a-z-]+)'/g)].map(([, result]) => result ?? '');
  }

  /** The last it has logged. */
  async journal(lines = 60): Promise<string> {
    return await this.machine.run(['journalctl', '--no-pager', '-n', String(lines), '-u', this.name]);
  }
}
