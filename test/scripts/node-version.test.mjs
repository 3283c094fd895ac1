import { expect, it } from 'vitest';
import { checkNodeVersion } from '../../scripts/setup/node-version.mjs';

it.each(['20.18.1', '20.20.2', '22.0.0', '24.1.0-nightly'])('takes Node %s', (version) => {
  expect(() => checkNodeVersion(version)).not.toThrow();
});

it.each(['20.18.0', '20.9.9', '18.20.4', '8.0.0'])('refuses Node %s, and says which it needs', (version) => {
  expect(() => checkNodeVersion(version)).toThrow(
    `Wharf needs Node 20.18.1 or newer, and this is ${version}.`,
  );
});
