import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { readEnv } from '../../common/env.ts';
import { eventually } from '../helpers/eventually.ts';
import { startRedis } from '../helpers/redis.ts';
import { listenAsSystemd } from '../helpers/systemd-listener.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

/** How long a service may take on a machine under load, milliseconds: this only ends a wait that is in vain. */
const PATIENCE = 120_000;

it.each(['router', 'backup'])(
  'the %s service tells systemd that it listens, that it lives, and that it stops',
  async (service) => {
    const redis = await startRedis();
    onTestFinished(() => redis.close());
    const directory = await temporaryDirectory();
    for (const name of ['sessions', 'backups']) await mkdir(join(directory, name));
    const systemd = await listenAsSystemd();
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL(`../../dist/${service}/main.js`, import.meta.url))],
      {
        stdio: 'ignore',
        env: {
          ...readEnv(),
          PORT: '0',
          BIND_ADDRESS: '127.0.0.1',
          WHATSAPP_SESSION_PATH: join(directory, 'sessions'),
          REDIS_URL: redis.url,
          BACKUP_DIRECTORY: join(directory, 'backups'),
          WHARF_SCRATCH: join(directory, 'scratch'),
          NOTIFY_SOCKET: systemd.socket,
          WATCHDOG_USEC: '400000',
        },
      },
    );
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    await eventually(() => systemd.heard().filter((line) => line === 'WATCHDOG=1').length > 2, PATIENCE);
    expect(systemd.heard().slice(0, 2)).toEqual([
      'READY=1',
      expect.stringMatching(/^STATUS=listens at http:\/\/127\.0\.0\.1:\d+$/),
    ]);
    expect(systemd.heard()).not.toContain('STOPPING=1');
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await eventually(() => systemd.heard().includes('STOPPING=1'), PATIENCE);
    // The router: WHARF_STOP_DELAY (0), the longest hold (30 s), and 15 s.
    const asksFor = systemd.heard().filter((line) => line.startsWith('EXTEND_TIMEOUT_USEC='));
    expect(asksFor).toEqual(service === 'router' ? ['EXTEND_TIMEOUT_USEC=45000000'] : []);
  },
);
