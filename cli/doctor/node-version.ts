import type { Finding } from './finding.ts';

/** The oldest Node.js that runs Wharf; package.json's `engines` says the same. */
const LEAST: readonly [number, number] = [20, 18];

/** Whether this Node.js is new enough. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const enough = major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
  if (enough) return { subject: 'Node.js', status: 'ok', detail: version };
  return {
    subject: 'Node.js',
    status: 'failed',
    detail: `${version} is too old`,
    hint: `Install Node.js ${LEAST.join('.')} or newer; 22 is supported too.`,
  };
}
