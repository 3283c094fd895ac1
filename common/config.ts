import { z } from 'zod';
import type { Env } from './env.ts';
import { type Fault, WharfError } from './errors.ts';
import { faultsOf } from './faults.ts';

/**
 * Checks the environment against a schema of variables and makes a frozen configuration of it.
 * An empty variable counts as not set.
 *
 * @param make turns the checked variables into the configuration; it may add faults (conflicts between variables)
 * @throws WharfError `config_invalid` with every fault at once
 */
export function loadConfig<Shape extends z.ZodRawShape, Config extends object>(
  env: Env,
  variables: z.ZodObject<Shape>,
  make: (values: z.infer<z.ZodObject<Shape>>, fault: (variable: string, message: string) => void) => Config,
): Readonly<Config> {
  const present = Object.fromEntries(
    Object.keys(variables.shape)
      .map((name) => [name, env[name]])
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = variables.safeParse(present);
  const faults: Fault[] = parsed.success ? [] : faultsOf(parsed.error);
  let config: Config | undefined;
  if (parsed.success) config = make(parsed.data, (path, message) => faults.push({ path, message }));
  if (faults.length > 0 || config === undefined) {
    const list = faults.map((fault) => `  ${fault.path}: ${fault.message}`).join('\n');
    throw new WharfError('config_invalid', `The environment has ${faults.length} fault(s):\n${list}`, {
      faults,
    });
  }
  return Object.freeze(config);
}

/** A whole number written in decimal, between two bounds. */
export const integerVariable = (least: number, most: number) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** Hours, with up to three decimals; gives milliseconds. */
export const hoursVariable = z
  .string()
  .regex(/^\d{1,5}(\.\d{1,3})?$/, 'must be a number of hours')
  .transform((text) => Math.round(Number(text) * 3_600_000));

/** A TCP port; 0 lets the system choose. */
export const portVariable = integerVariable(0, 65535);

/** A switch: true, false, 1, 0, yes, no. */
export const switchVariable = z
  .enum(['true', 'false', '1', '0', 'yes', 'no'], 'must be true or false')
  .transform((value) => value === 'true' || value === '1' || value === 'yes');

/** How much is logged. */
export const logLevelVariable = z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']);
