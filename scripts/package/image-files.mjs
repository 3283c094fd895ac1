import { programFiles } from './contents.mjs';

const HOME = 'usr/lib/wharf';

/** What the container image has beside what Wharf runs from: where it goes, which file of the repository it is, its mode. */
const BESIDE = [
  { to: `${HOME}/bin/wharf.mjs`, from: 'bin/wharf.mjs', mode: 0o755 },
  { to: `${HOME}/docker/start.sh`, from: 'infra/docker/start.sh', mode: 0o755 },
  { to: `${HOME}/docker/healthcheck.mjs`, from: 'infra/docker/healthcheck.mjs', mode: 0o644 },
  { to: `${HOME}/LICENSE`, from: 'LICENSE', mode: 0o644 },
];

/**
 * All files of the container image but those of its base and of Debian's packages.
 *
 * @returns {import('./contents.mjs').Laid[]}
 */
export function imageFiles(version) {
  return [...programFiles(version), ...BESIDE];
}
