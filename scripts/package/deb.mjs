import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  lutimesSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { excerpt, run } from '../command.mjs';
import { filesBelow } from '../paths.mjs';
import { SetupError } from '../say.mjs';
import { sourceDate } from './control.mjs';

/**
 * Packs what was laid out. The same files and date give the same bytes, whoever builds and when.
 *
 * @returns {Promise<{bytes: number, installedBytes: number, sha256: string}>}
 * @throws SetupError with what dpkg-deb said
 */
export async function packedBy(stage, file) {
  const installed = filesBelow(stage).filter((path) => !path.startsWith('DEBIAN/'));
  writeFileSync(join(stage, 'DEBIAN/md5sums'), installed.map((path) => md5Line(stage, path)).join(''), {
    mode: 0o644,
  });
  const installedBytes = installed.reduce((sum, path) => sum + statSync(join(stage, path)).size, 0);
  const date = sourceDate();
  equalize(stage, date);
  const { code, output } = await run(
    'dpkg-deb',
    ['--root-owner-group', '-Zxz', '-z1', '--threads-max=1', '--build', stage, file],
    {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(date) },
    },
  );
  if (code !== 0) throw new SetupError(`dpkg-deb could not build the package: ${excerpt(output)}`);
  return { bytes: statSync(file).size, installedBytes, sha256: await sha256(file) };
}

function md5Line(stage, path) {
  return `${createHash('md5')
    .update(readFileSync(join(stage, path)))
    .digest('hex')}  ${path}\n`;
}

/** One date and one mode for all directories, one date for all files. */
function equalize(folder, date) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) equalize(path, date);
    else lutimesSync(path, date, date);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, date, date);
}

async function sha256(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
