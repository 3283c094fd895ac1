import { hostname } from 'node:os';
import { readEnv } from '../common/env.ts';
import { aborted, runProcess } from '../common/lifecycle.ts';
import { createLogger } from '../common/logger.ts';
import { SystemdNotifier } from '../common/sd-notify.ts';
import { openTracer } from '../common/tracing/open-tracer.ts';
import { wharfVersion } from '../common/version.ts';
import { routerConfig } from './config.ts';
import { startRouter } from './context.ts';

/** The router's process: one line `{"url", "pid"}` on standard output when it is ready, its log on standard error. */
await runProcess(async (signal) => {
  const env = readEnv();
  const { config, secrets } = routerConfig(env);
  const log = createLogger(config.logLevel, { service: 'router', pid: process.pid }, process.stderr);
  const service = {
    name: 'wharf-router',
    version: await wharfVersion(),
    instance: `${hostname()}:${process.pid}`,
  };
  const traces = await openTracer(service, env, log);
  const router = await startRouter(config, secrets, log, { tracer: traces.tracer });
  const notifier = new SystemdNotifier(env, log);
  notifier.ready(`listens at ${router.server.url}`);
  log.info({ url: router.server.url }, 'the router listens');
  process.stdout.write(`${JSON.stringify({ url: router.server.url, pid: process.pid })}\n`);
  await aborted(signal);
  log.info('the router stops');
  notifier.stopping(router.closeTime);
  const clean = await router.close();
  await traces.close();
  await notifier.close();
  return clean ? 0 : 1;
});
