import { expect, it } from 'vitest';
import { installShellcheck } from '../../scripts/setup/shellcheck.mjs';

it('installs shellcheck where it is missing, and goes on where it cannot be had', async () => {
  const asked = [];
  const install = async (name) => {
    asked.push(name);
    return 'this system has no apt-get';
  };
  expect(await installShellcheck({ has: () => true, install })).toBeUndefined();
  expect(asked).toEqual([]);
  expect(await installShellcheck({ has: () => false, install })).toBe('this system has no apt-get');
  expect(asked).toEqual(['shellcheck']);
});
