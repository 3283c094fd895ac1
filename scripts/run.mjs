import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dist, root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { runScript, SetupError } from './say.mjs';

/** `node scripts/run.mjs test/bench/NAME.ts [arguments]`: sets up, builds, and runs the built program with the arguments. */
runScript(async () => {
  const [source, ...args] = process.argv.slice(2);
  if (source === undefined || !existsSync(join(root, source)))
    throw new SetupError(
      `There is no ${source ?? 'program named'} to run. Use: node scripts/run.mjs FILE.ts [arguments]`,
    );
  await prepare();
  const program = join(dist, source.replace(/\.tsx?$/, '.js'));
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
  // From a terminal the child gets Ctrl-C itself; a signal sent to this process alone is passed on.
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  process.on('SIGINT', () => {});
  return await new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1))),
  );
});
