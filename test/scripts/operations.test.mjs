import { describe, expect, it } from 'vitest';
import { installOperatorsTools } from '../../scripts/setup/operations.mjs';

describe("the set-up of operators' tools", () => {
  it('installs what is missing, and nothing else', async () => {
    const installed = [];
    const absent = await installOperatorsTools({
      has: (program) => program === 'nginx',
      install: async (name) => void installed.push(name),
    });
    expect([installed, absent]).toEqual([['rsync'], []]);
  });

  it('goes on without what cannot be had, and names it', async () => {
    const absent = await installOperatorsTools({ has: () => false, install: async () => 'no root' });
    expect(absent).toEqual(['nginx', 'rsync']);
  });
});
