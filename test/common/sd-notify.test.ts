import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readEnv } from '../../common/env.ts';
import { createLogger } from '../../common/logger.ts';
import { SystemdNotifier } from '../../common/sd-notify.ts';
import { eventually } from '../helpers/eventually.ts';
import { listenAsSystemd, type SystemdListener } from '../helpers/systemd-listener.ts';

describe('telling systemd', () => {
  let listener: SystemdListener;
  beforeEach(async () => {
    listener = await listenAsSystemd();
  });
  const make = (env: Record<string, string>) => {
    const notifier = new SystemdNotifier({ ...readEnv(), ...env }, createLogger('silent', {}));
    onTestFinished(() => notifier.close());
    return notifier;
  };

  it('says that it is ready, how it is when that changes, and that it stops, in this order', async () => {
    const notifier = make({ NOTIFY_SOCKET: listener.socket });
    notifier.ready('0 workspaces');
    notifier.status('3 workspaces');
    notifier.status('3 workspaces');
    notifier.stopping();
    await notifier.close();
    await eventually(() => listener.heard().length === 4);
    expect(listener.heard()).toEqual(['READY=1', 'STATUS=0 workspaces', 'STATUS=3 workspaces', 'STOPPING=1']);
  });

  it('gives signs of life from when it is ready until it has closed, as long as the watchdog wants them', async () => {
    const notifier = make({
      NOTIFY_SOCKET: listener.socket,
      WATCHDOG_USEC: '100000',
      WATCHDOG_PID: String(process.pid),
    });
    notifier.ready('');
    await eventually(() => listener.heard().filter((line) => line === 'WATCHDOG=1').length > 3);
  });

  it('asks for the time that stopping may take, where it is known', async () => {
    const notifier = make({ NOTIFY_SOCKET: listener.socket });
    notifier.stopping(85_000);
    await notifier.close();
    await eventually(() => listener.heard().length === 2);
    expect(listener.heard()).toEqual(['STOPPING=1', 'EXTEND_TIMEOUT_USEC=85000000']);
  });

  it('says nothing where systemd did not ask', async () => {
    const notifier = make({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000' });
    notifier.ready('0 workspaces');
    notifier.stopping();
    await notifier.close();
    const asked = make({ NOTIFY_SOCKET: listener.socket, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' });
    asked.ready('up');
    await asked.close();
    await eventually(() => listener.heard().length === 2);
    expect(listener.heard()).toEqual(['READY=1', 'STATUS=up']);
  });
});
