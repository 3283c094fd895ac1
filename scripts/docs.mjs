import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runBuild } from './build/all.mjs';
import { apiReference } from './docs/api-reference.mjs';
import { cliReference } from './docs/cli-reference.mjs';
import { examples } from './docs/examples.mjs';
import { describedApi, describedProgram } from './docs/sources.mjs';
import { dist, root } from './paths.mjs';
import { setUpPackages } from './prepare.mjs';
import { runScript, say } from './say.mjs';

/** `npm run docs:api`: writes docs/api.md and docs/cli.md anew from the build. `npm test` checks that they are as this would write them. */
runScript(async () => {
  await setUpPackages();
  await runBuild();
  const load = (path) => import(pathToFileURL(join(dist, path)).href);
  const api = describedApi({
    ...(await load('router/http/routes.js')),
    ...(await load('router/openapi/document.js')),
  });
  const program = describedProgram({ ...(await load('cli/program.js')), ...(await load('cli/context.js')) });
  for (const [path, text] of [
    ['docs/api.md', apiReference(api, examples)],
    ['docs/cli.md', cliReference(program)],
  ]) {
    writeFileSync(join(root, path), text);
    say(`  wrote ${path}`);
  }
  return 0;
});
