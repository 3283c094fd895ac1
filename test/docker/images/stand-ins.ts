import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../chaos/hosts/command.ts';
import { REPOSITORY } from '../repository.ts';
import type { Buildah } from './buildah.ts';

/** What the Dockerfile begins with, as Docker Hub calls it. */
export const BASE = 'docker.io/library/node:22-bookworm-slim';

/** The majors that the real base image has. */
const NODE_MAJOR = 22;
const NPM_MAJOR = 10;

/** What the compose file takes from Docker Hub, by the name there, and the stand-in for it. */
export const SERVERS: Readonly<Record<string, string>> = {
  'docker.io/library/redis:7.4': 'redis.Dockerfile',
  'docker.io/library/nginx:1.26': 'nginx.Dockerfile',
};

/** Docker's Debian images leave these out of every package. */
const LEFT_OUT = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*', '/usr/share/locale/*'];

/**
 * Makes images that go by the names of those on Docker Hub, which is not asked: Debian 12 by mmdebstrap, Node and npm from npm's registry in the
 * majors of the real one, Debian's own Redis and nginx.
 */
export async function makeStandIns(
  buildah: Buildah,
  directory: string,
  lent: readonly string[],
): Promise<void> {
  await mkdir(directory);
  const excluded = LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`);
  // As Docker's Debian images have it: an image that is lost half-way is built again.
  const options = [...excluded, '--dpkgopt=force-unsafe-io'];
  const args = ['--quiet', '--mode=root', '--variant=minbase', ...options];
  // What it leaves when it is killed goes with the directory, and what it has mounted with its namespace.
  const apart = [`TMPDIR=${directory}`, 'unshare', '--mount'];
  await command('env', [...apart, 'mmdebstrap', ...args, 'bookworm', join(directory, 'debian.tar')]);
  const node = `node-linux-${process.arch}@${NODE_MAJOR}`;
  await command('npm', [
    ...['install', '--prefix', directory, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'],
    ...['--loglevel=error', node, `npm@${NPM_MAJOR}`],
  ]);
  const recipes = { [BASE]: 'node.Dockerfile', ...SERVERS };
  for (const [name, file] of Object.entries(recipes))
    await buildah.build({
      ...{ name, lent, context: directory },
      file: join(REPOSITORY, 'test/docker/stand-ins', file),
    });
}
