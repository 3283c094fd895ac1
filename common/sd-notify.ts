import { spawn } from 'node:child_process';
import type { Env } from './env.ts';
import type { Logger } from './logger.ts';

/** systemd's own program; in every package of systemd. */
const PROGRAM = 'systemd-notify';
/** A beat that could not be sent is sent again after so many milliseconds. */
const RETRY = 1000;

/**
 * Tells systemd how a service is (sd_notify(3)): ready, its status, that it lives, that it stops. Does nothing where systemd did not ask
 * for it (`NOTIFY_SOCKET`, `WATCHDOG_USEC`). The unit needs `NotifyAccess=all`: another process of the unit speaks.
 *
 * Node has no Unix datagram sockets, and the packages for it are native code that must be compiled at every installation. So each message
 * is a `systemd-notify` of its own: 5 ms of processor time, twice in each `WatchdogSec`.
 */
export class SystemdNotifier {
  readonly #env: Env;
  readonly #log: Logger;
  readonly #active: boolean;
  #timer: NodeJS.Timeout | undefined;
  #failing = false;
  #status = '';
  #sending: Promise<unknown> = Promise.resolve();

  constructor(env: Env, log: Logger) {
    this.#env = env;
    this.#log = log;
    this.#active = Boolean(env['NOTIFY_SOCKET']);
  }

  /** It is up: told once, and from now on that it lives. */
  ready(status: string): void {
    this.#status = status;
    void this.#send('READY=1', `STATUS=${status}`);
    const interval = this.#watchdog();
    if (this.#timer === undefined && interval !== null) this.#beat(interval);
  }

  /** One line for `systemctl status`; told when it changes. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    void this.#send(`STATUS=${text}`);
  }

  /**
   * It was asked to stop. Beats go on: closing all browsers takes its time.
   *
   * @param within milliseconds that this may take by its settings, where that may be more than the unit's `TimeoutStopSec`, which is extended then
   */
  stopping(within?: number): void {
    void this.#send('STOPPING=1', ...(within === undefined ? [] : [`EXTEND_TIMEOUT_USEC=${within * 1000}`]));
  }

  /** No more beats; resolves when all that was told has been sent. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sending;
  }

  /** Milliseconds between two beats: half of what systemd waits. */
  #watchdog(): number | null {
    const { WATCHDOG_USEC: limit = '', WATCHDOG_PID: pid = '' } = this.#env;
    if (!this.#active || !/^[1-9]\d{0,15}$/.test(limit)) return null;
    if (pid !== '' && pid !== String(process.pid)) return null;
    return Number(limit) / 2000;
  }

  #beat(interval: number): void {
    void this.#send('WATCHDOG=1').then((sent) => {
      this.#timer = setTimeout(() => this.#beat(interval), sent ? interval : Math.min(RETRY, interval));
    });
  }

  #send(...assignments: string[]): Promise<boolean> {
    if (!this.#active) return Promise.resolve(true);
    const sent = this.#sending.then(() => this.#run(assignments));
    this.#sending = sent;
    return sent;
  }

  async #run(assignments: string[]): Promise<boolean> {
    const reason = await new Promise<string | null>((resolve) => {
      const child = spawn(PROGRAM, assignments, { stdio: 'ignore', env: this.#env, timeout: 5000 });
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? code}`));
    });
    if (reason !== null && !this.#failing) this.#log.error({ reason }, 'systemd cannot be told');
    this.#failing = reason !== null;
    return reason === null;
  }
}
