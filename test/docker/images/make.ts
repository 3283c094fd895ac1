import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Results } from '../../nspawn/results.ts';
import { say } from '../../nspawn/say.ts';
import { REPOSITORY } from '../repository.ts';
import { Buildah } from './buildah.ts';
import { lentSettings } from './lent.ts';
import { lookAtConfiguration, lookAtFiles } from './look.ts';
import { BASE, makeStandIns, SERVERS } from './stand-ins.ts';

/** The image's name, as Docker spells it out where the compose file says `wharf`. */
export const IMAGE = 'docker.io/library/wharf:latest';

/**
 * Builds the image of this working tree.
 *
 * @param directory where everything goes
 * @param signal ends it after the step it is at
 */
export async function makeImages(directory: string, results: Results, signal: AbortSignal): Promise<void> {
  const buildah = new Buildah(directory);
  const lent = await lentSettings(join(directory, 'lent'));
  say('makes stand-ins of the images on Docker Hub');
  results.fact('stand-ins for', [BASE, ...Object.keys(SERVERS)].join(', '));
  await makeStandIns(buildah, join(directory, 'stand-ins'), lent);
  signal.throwIfAborted();
  say('builds the image');
  const file = join(REPOSITORY, 'infra/docker/Dockerfile');
  await results.timed('build', 'the image is built', async () => {
    await buildah.build({ file, context: REPOSITORY, name: IMAGE, lent });
  });
}

/**
 * Looks at the image that was built into a directory.
 *
 * @returns archives of the image and of those the compose file takes beside, for `docker load`
 */
export async function lookAtImages(directory: string, results: Results): Promise<string[]> {
  const buildah = new Buildah(directory);
  lookAtConfiguration(await buildah.configuration(IMAGE), results);
  const { container, root } = await buildah.container(IMAGE);
  await lookAtFiles(root, results);
  await tryPrograms(buildah, container, results);
  await buildah.remove(container);
  const archives: string[] = [];
  for (const name of [IMAGE, ...Object.keys(SERVERS)]) {
    const archive = join(directory, `${archives.length}.tar`);
    await buildah.save(name, archive);
    archives.push(archive);
  }
  const bytes = (await stat(archives[0] ?? '')).size;
  results.fact('archive of the image, not compressed', `${Math.round(bytes / 1e6)} MB`);
  return archives;
}

/** The command, the start script and the health check, where nothing is to be asked. */
async function tryPrograms(buildah: Buildah, container: string, results: Results): Promise<void> {
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as {
    version: string;
  };
  const told = await buildah.run(container, ['wharf', '--version']);
  results.rule(
    told.code === 0 && told.stdout.trim() === version,
    `wharf --version: ${told.stdout}${told.stderr}`,
  );
  const user = await buildah.run(container, ['id', '--user', '--name']);
  results.rule(user.stdout.trim() === 'wharf', `programs run as ${user.stdout.trim()}`);
  const nothing = await buildah.run(container, ['/usr/lib/wharf/docker/start.sh', '']);
  results.rule(
    nothing.code === 2 && nothing.stderr.includes('Say what to run'),
    `without a word of what to run it ended with ${nothing.code}`,
  );
  // No port that anything listens on: privileged, and nobody's.
  const health = await buildah.run(container, [
    'env',
    'PORT=9',
    'node',
    '/usr/lib/wharf/docker/healthcheck.mjs',
  ]);
  results.rule(
    health.code === 1 && health.stdout.includes('does not answer'),
    `the health check finds nothing wrong: ${health.stdout}`,
  );
  const browser = await buildah.run(container, ['sh', '-c', '"$CHROMIUM_PATH" --version; node --version']);
  results.rule(browser.code === 0, `Chromium does not run: ${browser.stderr}`);
  results.fact('Chromium and Node in the image', browser.stdout.trim().split('\n').join(', '));
}
