import { z } from 'zod';
import { loadConfig, logLevelVariable, portVariable } from '../common/config.ts';
import type { Env } from '../common/env.ts';

/** How the emulator's process is set up. */
export interface EmulatorConfig {
  /** Of the page's HTTPS server; 0: a free one. */
  port: number;
  /** Of the control API; 0: a free one. */
  controlPort: number;
  /** Where both listen. The control API asks for no key: any address but the loopback's is for networks of one's own. */
  bindAddress: string;
  /** A directory for what outlives a restart; undefined: nothing does. */
  data: string | undefined;
  logLevel: string;
}

const variables = z.object({
  EMULATOR_PORT: portVariable.default(0),
  EMULATOR_CONTROL_PORT: portVariable.default(0),
  EMULATOR_BIND_ADDRESS: z.union([z.ipv4(), z.ipv6()], 'must be an IP address').default('127.0.0.1'),
  EMULATOR_DATA: z.string().max(4096).optional(),
  LOG_LEVEL: logLevelVariable.default('info'),
});

/** @throws WharfError `config_invalid` with all faults */
export function loadEmulatorConfig(env: Env): Readonly<EmulatorConfig> {
  return loadConfig(env, variables, (values) => ({
    port: values.EMULATOR_PORT,
    controlPort: values.EMULATOR_CONTROL_PORT,
    bindAddress: values.EMULATOR_BIND_ADDRESS,
    data: values.EMULATOR_DATA,
    logLevel: values.LOG_LEVEL,
  }));
}
