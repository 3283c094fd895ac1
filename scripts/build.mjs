import { runBuild } from './build/all.mjs';
import { setUpPackages } from './prepare.mjs';
import { runScript } from './say.mjs';

/** `npm run build`: builds to dist/, whether or not it seems needed. */
runScript(async () => {
  await setUpPackages();
  await runBuild({ always: true });
});
