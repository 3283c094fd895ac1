import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, tryCommand } from '../../chaos/hosts/command.ts';

/** Where steps of a build find the certificate authorities of this machine. */
const AUTHORITIES = '/run/lent-authorities.crt';

/**
 * How this machine reaches npm's registry and Debian's packages, as files that a build is lent: neither the repository nor the image knows it.
 *
 * @param directory an empty one, for those that are written
 * @returns `FROM:TO` of each
 */
export async function lentSettings(directory: string): Promise<string[]> {
  await mkdir(directory);
  const [npmrc, apt] = [join(directory, 'npmrc'), join(directory, 'apt.conf')];
  const [registry, authorities] = [await npmSetting('registry'), await npmSetting('cafile')];
  const lines = [
    ...(registry === undefined ? [] : [`registry=${registry}`]),
    ...(authorities === undefined ? [] : [`cafile=${AUTHORITIES}`]),
  ];
  await writeFile(npmrc, `${lines.join('\n')}\n`);
  const { stdout } = await tryCommand('apt-config', ['dump']);
  const kept = stdout.split('\n').filter((line) => /^Acquire::(?:https?|Check-)/.test(line));
  await writeFile(apt, `${kept.join('\n')}\n`);
  return [
    `${npmrc}:/root/.npmrc`,
    `${apt}:/etc/apt/apt.conf.d/99lent`,
    ...(authorities === undefined ? [] : [`${authorities}:${AUTHORITIES}`]),
  ];
}

async function npmSetting(name: string): Promise<string | undefined> {
  const value = (await command('npm', ['config', 'get', name])).trim();
  return ['', 'null', 'undefined'].includes(value) ? undefined : value;
}
