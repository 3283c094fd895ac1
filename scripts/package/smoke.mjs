import { join } from 'node:path';
import { excerpt, run } from '../command.mjs';
import { filesBelow } from '../paths.mjs';
import { SetupError } from '../say.mjs';

/** Modules that do something when they are imported, or run in a browser. */
const NOT_IMPORTED = /(?:^|[/-])(?:main|process)\.js$|^(?:emulator\/page|router\/web)\//;

/**
 * Imports every module that was laid out, with the Node that was: none may miss a file of an npm package that was taken for unneeded.
 *
 * @param {string} node the Node to do it with, where none was laid out
 * @throws SetupError that names the first that cannot be imported
 */
export async function importAll(stage, node = join(stage, 'usr/lib/wharf/node/bin/node')) {
  const home = join(stage, 'usr/lib/wharf');
  const modules = filesBelow(join(home, 'dist')).filter(
    (file) => file.endsWith('.js') && !NOT_IMPORTED.test(file),
  );
  const script = `for (const file of JSON.parse(process.argv[1])) {
    await import(file).catch((error) => { console.error(file + ': ' + error.message); process.exit(1); });
  }
  process.exit(0);`;
  const paths = JSON.stringify(modules.map((file) => join(home, 'dist', file)));
  const { code, output } = await run(node, ['--input-type=module', '-e', script, paths]);
  if (code !== 0) throw new SetupError(`What was packed does not run: ${excerpt(output)}`);
}
