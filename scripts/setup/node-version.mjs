import { SetupError } from '../say.mjs';

/** The oldest Node that runs every package we use. */
const LEAST = [20, 18, 1];

/**
 * @param {string} version `20.20.2`
 * @throws SetupError when it is too old
 */
export function checkNodeVersion(version) {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, least] of LEAST.entries()) {
    if (parts[index] > least) return;
    if (parts[index] < least) {
      throw new SetupError(
        `Wharf needs Node ${LEAST.join('.')} or newer, and this is ${version}. Install Node 20 or 22 (https://nodejs.org) and run this again.`,
      );
    }
  }
}
