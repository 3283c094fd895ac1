import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { AGENT_PORT, type FromAgent, type ToAgent } from '../guest/agent-protocol.ts';

/** How a program in a machine ended. */
export interface GuestEnd {
  /** Its exit code, the signal that ended it, or null when the machine went away under it. */
  code: number | string | null;
  out: string;
  errors: string;
}

/** A program that runs in a machine. Events: `line` (of its standard output), `errors` (what it writes to standard error), `end`. */
export class GuestProcess extends EventEmitter<{ line: [string]; errors: [string]; end: [GuestEnd] }> {
  /** Its process id in the machine, once the agent has told it. */
  pid = 0;
  readonly ended: Promise<GuestEnd>;
  readonly #socket: Socket;
  #out = '';
  #pending = '';
  #errors = '';
  #code: number | string | null = null;

  /** @param control the machine's address on the control network */
  static async start(
    control: string,
    argv: string[],
    env: Record<string, string> = {},
  ): Promise<GuestProcess> {
    const socket = connect({ host: control, port: AGENT_PORT, noDelay: true });
    await once(socket, 'connect');
    const process = new GuestProcess(socket);
    process.#tell({ run: argv, env });
    return process;
  }

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        if (this.#pending !== '') this.emit('line', this.#pending);
        const end = { code: this.#code, out: this.#out, errors: this.#errors };
        this.emit('end', end);
        resolve(end);
      });
    });
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => this.#hear(JSON.parse(line) as FromAgent));
  }

  write(text: string): void {
    this.#tell({ in: text });
  }

  endInput(): void {
    this.#tell({ end: true });
  }

  /** Kills it, with all that it started, or lets go of a machine that is gone. */
  kill(): void {
    this.#socket.destroy();
  }

  #hear(message: FromAgent): void {
    if (message.pid !== undefined) this.pid = message.pid;
    if (message.err !== undefined) {
      this.#errors = (this.#errors + message.err).slice(-20_000);
      this.emit('errors', message.err);
    }
    if (message.exit !== undefined) this.#code = message.exit;
    if (message.out === undefined) return;
    this.#out = (this.#out + message.out).slice(-1_000_000);
    const lines = (this.#pending + message.out).split('\n');
    this.#pending = lines.pop() ?? '';
    for (const line of lines) this.emit('line', line);
  }

  #tell(message: ToAgent): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}
