import { describe } from 'vitest';
import { whyNoHosts } from './requirements.ts';

/** A `describe` for tests that need hosts: where there can be none it is skipped, and says why. */
export async function describeHosts(name: string, tests: () => void): Promise<void> {
  const reason = await whyNoHosts();
  if (reason !== undefined) process.stderr.write(`skipped: ${name}: ${reason}\n`);
  describe.skipIf(reason !== undefined)(name, tests);
}
