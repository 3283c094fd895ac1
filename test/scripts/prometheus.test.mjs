import { expect, it } from 'vitest';
import { installPrometheus } from '../../scripts/setup/prometheus.mjs';

it('installs only what is missing for tests of rules', async () => {
  const asked = [];
  const fault = await installPrometheus({
    has: (program) => program !== 'amtool',
    install: async (name) => {
      asked.push(name);
    },
  });
  expect(fault).toBeUndefined();
  expect(asked).toEqual(['prometheus-alertmanager']);
});

it('goes on without Prometheus, and says why, where it cannot be installed', async () => {
  const fault = await installPrometheus({ has: () => false, install: async () => 'no apt-get here' });
  expect(fault).toBe('no apt-get here');
});
