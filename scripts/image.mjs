import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageFiles } from './package/image-files.mjs';
import { importAll } from './package/smoke.mjs';
import { layOut } from './package/stage.mjs';
import { root } from './paths.mjs';
import { runScript, SetupError, step } from './say.mjs';

/** `node scripts/image.mjs DIRECTORY`: lays out the container image's files below a directory, from what is built and installed. */
runScript(async () => {
  const [stage] = process.argv.slice(2);
  if (stage === undefined)
    throw new SetupError('Say where to lay the files out: node scripts/image.mjs DIRECTORY');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  await step('files of the image', () => layOut(stage, imageFiles(version)));
  await step('imports all of it', () => importAll(stage, process.execPath));
  return 0;
});
