import { expect, it } from 'vitest';
import { installRadosgw } from '../../scripts/setup/radosgw.mjs';

it("installs only what is missing for tests' S3 server", async () => {
  const asked = [];
  const fault = await installRadosgw({
    has: (program) => program !== 'radosgw',
    install: async (name) => {
      asked.push(name);
    },
  });
  expect(fault).toBeUndefined();
  expect(asked).toEqual(['radosgw']);
});

it('goes on without an S3 server, and says why, where it cannot be installed', async () => {
  const asked = [];
  const fault = await installRadosgw({
    has: () => false,
    install: async (name) => {
      asked.push(name);
      return 'this system has no apt-get';
    },
  });
  expect(fault).toBe('this system has no apt-get');
  expect(asked).toHaveLength(1);
});
