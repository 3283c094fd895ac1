import { readEnv } from '../common/env.ts';
import { letHeapGrow } from '../common/heap.ts';
import { aborted, runProcess } from '../common/lifecycle.ts';
import { createLogger } from '../common/logger.ts';
import { openTracer } from '../common/tracing/open-tracer.ts';
import { wharfVersion } from '../common/version.ts';
import { instanceConfig } from './config.ts';
import { startInstance } from './context.ts';

await runProcess(async (signal) => {
  letHeapGrow();
  const env = readEnv();
  const config = instanceConfig(env);
  const log = createLogger(
    config.logLevel,
    { service: 'instance', instance: config.instance },
    process.stderr,
  );
  // The library lets promises of its own event handlers fail; one page's fault must not end the sessions of all the others.
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'a rejection that nobody handled'));
  const service = { name: 'wharf-instance', version: await wharfVersion(), instance: config.instance };
  const traces = await openTracer(service, env, log);
  const instance = await startInstance(config, env, log, { tracer: traces.tracer });
  await aborted(signal);
  log.info('the instance stops');
  const clean = await instance.close();
  await traces.close();
  return clean ? 0 : 1;
});
