import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  integerVariable,
  loadConfig,
  logLevelVariable,
  portVariable,
  switchVariable,
} from '../../common/config.ts';
import { readEnv } from '../../common/env.ts';
import { isWharfError } from '../../common/errors.ts';

const variables = z.object({
  NAME: z.string('must be set'),
  COUNT: integerVariable(1, 10).default(4),
  PORT: portVariable.default(3000),
  ON: switchVariable.default(false),
  LOG_LEVEL: logLevelVariable.default('info'),
});
const load = (env: Record<string, string>) =>
  loadConfig(env, variables, (values, fault) => {
    if (values.NAME === 'many' && values.COUNT === 1) fault('COUNT', 'is 1, yet NAME is many');
    return { ...values };
  });

function faultsOf(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (isWharfError(error, 'config_invalid')) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('loadConfig', () => {
  it('gives a frozen configuration, with defaults for what is not set or empty', () => {
    const config = load({ NAME: 'x', COUNT: '', PORT: '0', UNKNOWN: 'is not looked at' });
    expect(config).toEqual({ NAME: 'x', COUNT: 4, PORT: 0, ON: false, LOG_LEVEL: 'info' });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('lists every fault at once, each with its variable', () => {
    const error = faultsOf(() => load({ COUNT: '11', PORT: 'http', ON: 'maybe', LOG_LEVEL: 'loud' }));
    expect(error.faults?.map((fault) => fault.path)).toEqual(['NAME', 'COUNT', 'PORT', 'ON', 'LOG_LEVEL']);
    for (const name of [
      'NAME: must be set',
      'COUNT:',
      'PORT: must be a whole number',
      'ON: must be true or false',
    ])
      expect(error.message).toContain(name);
  });

  it('tells conflicts between variables as faults', () => {
    const error = faultsOf(() => load({ NAME: 'many', COUNT: '1' }));
    expect(error.faults).toEqual([{ path: 'COUNT', message: 'is 1, yet NAME is many' }]);
  });

  it.each(['1e3', '0x10', '1.5', ' 5', '5 ', '٣', 'NaN', 'Infinity', '99999999999999999999', '--1', '+5'])(
    'takes %j for no whole number',
    (text) => {
      expect(integerVariable(-1e9, 1e9).safeParse(text).success).toBe(false);
    },
  );

  it.each([
    ['0', true],
    ['65535', true],
    ['65536', false],
    ['-1', false],
  ])('takes %s for a port: %s', (text, good) => {
    expect(portVariable.safeParse(text).success).toBe(good);
  });

  it.each([
    ['true', true],
    ['1', true],
    ['yes', true],
    ['false', false],
    ['0', false],
    ['no', false],
  ])('reads the switch %s as %s', (text, on) => {
    expect(switchVariable.parse(text)).toBe(on);
  });
});

describe('readEnv', () => {
  it('gives a frozen copy', () => {
    const env = readEnv();
    expect(Object.isFrozen(env)).toBe(true);
    expect(env['PATH']).toBe(process.env['PATH']);
  });
});
