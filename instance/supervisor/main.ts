import { readEnv } from '../../common/env.ts';
import { runProcess } from '../../common/lifecycle.ts';
import { createLogger } from '../../common/logger.ts';
import { instanceConfig } from '../config.ts';
import { runSupervisor } from './context.ts';

await runProcess(async (signal) => {
  const env = readEnv();
  const config = instanceConfig(env);
  const bindings = { service: 'supervisor', instance: config.instance };
  const log = createLogger(config.logLevel, bindings, process.stderr);
  return await runSupervisor(
    config,
    env,
    log,
    ({ url, pid }) => process.stdout.write(`${JSON.stringify({ instance: config.instance, url, pid })}\n`),
    signal,
  );
});
