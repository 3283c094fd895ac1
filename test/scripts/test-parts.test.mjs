import { describe, expect, it } from 'vitest';
import { installTestPart, TEST_PARTS } from '../../scripts/setup/test-parts.mjs';

describe.each(TEST_PARTS)('what tests need: $what', (part) => {
  const packages = Object.entries(part.packages);

  it('is installed where it is missing, and nothing else', async () => {
    const [[wanted, missing] = []] = packages.slice(-1);
    const asked = [];
    const fault = await installTestPart(part, {
      has: (program) => program !== missing,
      install: async (name) => {
        asked.push(name);
      },
    });
    expect(fault).toBeUndefined();
    expect(asked).toEqual([wanted]);
  });

  it('is gone on without where it cannot be had', async () => {
    const asked = [];
    const fault = await installTestPart(part, {
      has: () => false,
      install: async (name) => {
        asked.push(name);
        return 'this system has no apt-get';
      },
    });
    expect(fault).toBe('this system has no apt-get');
    expect(asked).toEqual([packages[0]?.[0]]);
  });
});
