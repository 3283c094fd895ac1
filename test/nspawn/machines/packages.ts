import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from '../../chaos/hosts/command.ts';

/** The repository: this file lies in its `dist/test/nspawn/machines/`. */
const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));

/** File names of a package, and of the same as a higher version. */
export interface Packages {
  first: string;
  next: string;
}

/**
 * Puts the package into a directory with the installer, and the same a second time as a higher version.
 *
 * @param deb a package's path; undefined: one is built
 */
export async function packagesIn(directory: string, deb: string | undefined): Promise<Packages> {
  await mkdir(directory, { recursive: true });
  const built = deb ?? (await build());
  const first = basename(built);
  await copyFile(built, join(directory, first));
  await copyFile(join(REPOSITORY, 'systemd/install.sh'), join(directory, 'install.sh'));
  const [name = '', version = '', ending = ''] = first.split('_');
  const next = [name, `${version}+next`, ending].join('_');
  const unpacked = join(directory, 'unpacked');
  await command('dpkg-deb', ['--raw-extract', built, unpacked]);
  for (const [file, pattern, text] of [
    ['DEBIAN/control', /^Version: .*$/m, `Version: ${version}+next`],
    ['usr/lib/wharf/package.json', /"version": "[^"]*"/, `"version": "${version}+next"`],
  ] as const) {
    const path = join(unpacked, file);
    await writeFile(path, (await readFile(path, 'utf8')).replace(pattern, text));
  }
  await command('dpkg-deb', ['-Znone', '--root-owner-group', '--build', unpacked, join(directory, next)]);
  await rm(unpacked, { recursive: true });
  return { first, next };
}

async function build(): Promise<string> {
  const text = await command(process.execPath, [
    ...[join(REPOSITORY, 'scripts/package.mjs'), '--no-build', '--no-lint', '--json'],
  ]);
  const { file } = JSON.parse(text.trim().split('\n').at(-1) ?? '') as { file: string };
  return file;
}
