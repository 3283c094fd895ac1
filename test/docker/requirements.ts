import { tryCommand } from '../chaos/hosts/command.ts';

/** What building the image takes, and the Debian package that brings it. */
const TO_BUILD: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  mmdebstrap: 'mmdebstrap',
  npm: 'npm',
  unshare: 'util-linux',
};

/** What running the compose file takes beside. */
const TO_RUN: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  'docker-compose': 'docker-compose',
  iptables: 'iptables',
  ip: 'iproute2',
  nsenter: 'util-linux',
  openssl: 'openssl',
  curl: 'curl',
};

/** Why no image can be built here, for people; undefined where one can. */
export async function whyNoImage(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `it takes Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'building without an engine takes root';
  return await missingOf(TO_BUILD);
}

/** Why an image cannot be run here, for people; undefined where it can. */
export async function whyNoFleet(): Promise<string | undefined> {
  return await missingOf(TO_RUN);
}

async function missingOf(programs: Readonly<Record<string, string>>): Promise<string | undefined> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(programs))
    if ((await tryCommand('which', [program])).code !== 0) missing.push(name);
  if (missing.length === 0) return undefined;
  return `missing: apt-get install --no-install-recommends ${[...new Set(missing)].join(' ')}`;
}
