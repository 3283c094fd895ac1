import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readEnv } from '../../common/env.ts';
import { createLogger } from '../../common/logger.ts';
import { SystemdNotifier } from '../../common/sd-notify.ts';
import { eventually } from '../helpers/eventually.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

/** Listens as systemd does, and prints each datagram as a line of JSON. */
const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

describe('telling systemd', () => {
  let socket: string;
  let heard: string[];
  beforeEach(async () => {
    socket = join(await temporaryDirectory(), 'notify');
    heard = [];
    const receiver = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(async () => {
      receiver.kill('SIGKILL');
      await once(receiver, 'exit');
    });
    createInterface({ input: receiver.stdout }).on('line', (line) => heard.push(JSON.parse(line) as string));
    await eventually(() => heard.shift() === 'listening');
  });
  const make = (env: Record<string, string>) => {
    const notifier = new SystemdNotifier({ ...readEnv(), ...env }, createLogger('silent', {}));
    onTestFinished(() => notifier.close());
    return notifier;
  };
  /** What was said, but for what systemd-notify adds (how to wait for it). */
  const assignments = () =>
    heard
      .flatMap((text) => text.split('\n'))
      .filter((line) => /^(READY|STATUS|STOPPING|WATCHDOG)=/.test(line));

  it('says that it is ready, how it is when that changes, and that it stops, in this order', async () => {
    const notifier = make({ NOTIFY_SOCKET: socket });
    notifier.ready('0 workspaces');
    notifier.status('3 workspaces');
    notifier.status('3 workspaces');
    notifier.stopping();
    await notifier.close();
    await eventually(() => assignments().length === 4);
    expect(assignments()).toEqual(['READY=1', 'STATUS=0 workspaces', 'STATUS=3 workspaces', 'STOPPING=1']);
  });

  it('gives signs of life from when it is ready until it has closed, as long as the watchdog wants them', async () => {
    const notifier = make({
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '100000',
      WATCHDOG_PID: String(process.pid),
    });
    notifier.ready('');
    await eventually(() => assignments().filter((line) => line === 'WATCHDOG=1').length > 3);
  });

  it('says nothing where systemd did not ask', async () => {
    const notifier = make({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000' });
    notifier.ready('0 workspaces');
    notifier.stopping();
    await notifier.close();
    const asked = make({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' });
    asked.ready('up');
    await asked.close();
    await eventually(() => assignments().length === 2);
    expect(assignments()).toEqual(['READY=1', 'STATUS=up']);
  });
});
