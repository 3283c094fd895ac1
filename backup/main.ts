import { readEnv } from '../common/env.ts';
import { letHeapGrow } from '../common/heap.ts';
import { aborted, runProcess } from '../common/lifecycle.ts';
import { createLogger } from '../common/logger.ts';
import { SystemdNotifier } from '../common/sd-notify.ts';
import { backupConfig } from './config.ts';
import { startBackupService } from './context.ts';

/** The backup service's process: one line `{"url", "pid"}` on standard output when it listens, its log on standard error. */
await runProcess(async (signal) => {
  letHeapGrow();
  const env = readEnv();
  const config = backupConfig(env);
  const log = createLogger(config.logLevel, { service: 'backup', pid: process.pid }, process.stderr);
  const service = await startBackupService(config, log);
  const notifier = new SystemdNotifier(env, log);
  notifier.ready(`listens at ${service.url}`);
  log.info({ url: service.url }, 'the backup service listens');
  process.stdout.write(`${JSON.stringify({ url: service.url, pid: process.pid })}\n`);
  await aborted(signal);
  log.info('the backup service stops');
  notifier.stopping();
  const clean = await service.close();
  await notifier.close();
  return clean ? 0 : 1;
});
