import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';
import { temporaryDirectory } from './temp-dir.ts';

/** Listens as systemd does, and prints each datagram as a line of JSON: Node has no Unix datagram sockets. */
const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

/** What stands in for systemd, and has heard some assignments. */
export interface SystemdListener {
  /** `NOTIFY_SOCKET` */
  socket: string;
  /** What was said so far, in order, but for what systemd-notify adds (how to wait for it). */
  heard(): string[];
}

/** Listens until the test ends. */
export async function listenAsSystemd(): Promise<SystemdListener> {
  const socket = join(await temporaryDirectory(), 'notify');
  const lines: string[] = [];
  const receiver = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    receiver.kill('SIGKILL');
    await once(receiver, 'exit');
  });
  createInterface({ input: receiver.stdout }).on('line', (line) => lines.push(JSON.parse(line) as string));
  await eventually(() => lines.shift() === 'listening');
  return {
    socket,
    heard: () =>
      lines
        .flatMap((text) => text.split('\n'))
        .filter((line) => /^(READY|STATUS|STOPPING|WATCHDOG|EXTEND_TIMEOUT_USEC)=/.test(line)),
  };
}
