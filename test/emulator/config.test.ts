import { expect, test } from 'vitest';
import { loadEmulatorConfig } from '../../emulator/config.ts';

test('has a default for everything', () => {
  expect(loadEmulatorConfig({})).toEqual({
    port: 0,
    controlPort: 0,
    bindAddress: '127.0.0.1',
    data: undefined,
    logLevel: 'info',
  });
});

test('lists every fault at once', () => {
  const wrong = {
    EMULATOR_PORT: '99999',
    EMULATOR_CONTROL_PORT: 'x',
    EMULATOR_BIND_ADDRESS: 'here',
    LOG_LEVEL: 'loud',
  };
  expect(() => loadEmulatorConfig(wrong)).toThrow(
    /EMULATOR_PORT.*EMULATOR_CONTROL_PORT.*EMULATOR_BIND_ADDRESS.*LOG_LEVEL/s,
  );
});
