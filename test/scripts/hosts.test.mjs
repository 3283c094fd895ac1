import { expect, it } from 'vitest';
import { installHostParts } from '../../scripts/setup/hosts.mjs';

it('installs only what is missing for the hosts of the chaos suite', async () => {
  const asked = [];
  const fault = await installHostParts({
    has: (program) => program !== 'nft' && program !== 'glusterd',
    hasClock: () => false,
    install: async (name) => {
      asked.push(name);
    },
  });
  expect(fault).toBeUndefined();
  expect(asked).toEqual(['nftables', 'glusterfs-server', 'libfaketime']);
});

it('goes on without hosts, and says why, where something cannot be installed', async () => {
  const asked = [];
  const fault = await installHostParts({
    has: () => false,
    hasClock: () => true,
    install: async (name) => {
      asked.push(name);
      return 'this system has no apt-get';
    },
  });
  expect(fault).toBe('this system has no apt-get');
  expect(asked).toHaveLength(1);
});
