import { runChecks } from './checks.mjs';
import { setUpPackages } from './prepare.mjs';
import { runScript } from './say.mjs';

/** `npm run check`: everything `npm test` looks at without running the code. */
runScript(async () => {
  await setUpPackages();
  const { failed } = await runChecks();
  return failed.length === 0 ? 0 : 1;
});
