import { readEnv } from '../common/env.ts';
import { aborted, runProcess } from '../common/lifecycle.ts';
import { createLogger } from '../common/logger.ts';
import { loadEmulatorConfig } from './config.ts';
import { startEmulator } from './context.ts';

await runProcess(async (signal) => {
  const config = loadEmulatorConfig(readEnv());
  const log = createLogger(config.logLevel, { service: 'emulator' }, process.stderr);
  const emulator = await startEmulator({
    port: config.port,
    controlPort: config.controlPort,
    bindAddress: config.bindAddress,
    data: config.data,
    log,
  });
  // Standard output carries this one line, for whoever started the process.
  process.stdout.write(
    `${JSON.stringify({ https_port: emulator.httpsPort, control_url: emulator.controlUrl, spki: emulator.spki })}\n`,
  );
  await aborted(signal);
  await emulator.close();
  return 0;
});
