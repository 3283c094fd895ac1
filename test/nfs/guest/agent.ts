import { spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { readEnv } from '../../../common/env.ts';
import type { FromAgent, ToAgent } from './agent-protocol.ts';
import { AGENT_PORT } from './agent-protocol.ts';

/**
 * Runs programs inside a virtual machine for the proof outside, over the control network: one connection, one program. It touches no
 * shared storage itself, so that no mount that hangs stops it.
 */
const server = createServer((socket) => {
  socket.setNoDelay(true);
  const lines = createInterface(socket);
  lines.once('line', (text) => serve(socket, lines, JSON.parse(text) as ToAgent));
  socket.on('error', () => {});
});
server.listen(AGENT_PORT);

function serve(socket: Socket, lines: ReturnType<typeof createInterface>, first: ToAgent): void {
  const [program, ...args] = first.run ?? [];
  const tell = (message: FromAgent) => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  const child = spawn(program ?? '', args, { env: { ...readEnv(), ...first.env }, detached: true });
  child.stdout.setEncoding('utf8').on('data', (out: string) => tell({ out }));
  child.stderr.setEncoding('utf8').on('data', (err: string) => tell({ err }));
  child.stdin.on('error', () => {});
  child.once('error', (error) => {
    tell({ err: `${error.message}\n` });
    tell({ exit: 127 });
  });
  child.once('close', (code, signal) => {
    tell({ exit: code ?? signal });
    socket.end();
  });
  if (child.pid !== undefined) tell({ pid: child.pid });
  lines.on('line', (text) => {
    const message = JSON.parse(text) as ToAgent;
    if (message.in !== undefined) child.stdin.write(message.in);
    if (message.end) child.stdin.end();
  });
  // Whoever hangs up wants the program gone, with all that it started.
  socket.once('close', () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended in this moment.
    }
  });
}
