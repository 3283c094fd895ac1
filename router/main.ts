import { readEnv } from '../common/env.ts';
import { aborted, runProcess } from '../common/lifecycle.ts';
import { createLogger } from '../common/logger.ts';
import { routerConfig } from './config.ts';
import { startRouter } from './context.ts';

/** The router's process: one line `{"url", "pid"}` on standard output when it is ready, its log on standard error. */
await runProcess(async (signal) => {
  const { config, secrets } = routerConfig(readEnv());
  const log = createLogger(config.logLevel, { service: 'router', pid: process.pid }, process.stderr);
  const router = await startRouter(config, secrets, log);
  log.info({ url: router.server.url }, 'the router listens');
  process.stdout.write(`${JSON.stringify({ url: router.server.url, pid: process.pid })}\n`);
  await aborted(signal);
  log.info('the router stops');
  return (await router.close()) ? 0 : 1;
});
