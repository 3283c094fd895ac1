import { spawnSync } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

it('says what to run when nothing has been built, and ends with 1', async () => {
  const directory = await temporaryDirectory();
  const bin = join(directory, 'bin', 'wharf.mjs');
  await mkdir(join(directory, 'bin'));
  await copyFile(fileURLToPath(new URL('../../bin/wharf.mjs', import.meta.url)), bin);
  const ran = spawnSync(process.execPath, [bin, 'status'], { encoding: 'utf8' });
  expect(ran.status).toBe(1);
  expect(ran.stderr).toContain('npm start');
  expect(ran.stderr).not.toContain('    at ');
});
