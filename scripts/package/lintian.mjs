import { run } from '../command.mjs';
import { say } from '../say.mjs';
import { installDebianPackage } from '../setup/debian.mjs';
import { inPath } from '../setup/find-program.mjs';

/** Faults that lintian finds with a package: its errors and warnings, a line each. None, and said so, where lintian cannot be had. */
export async function lintianFaults(file) {
  const fault = inPath('lintian') === undefined ? await installDebianPackage('lintian') : undefined;
  if (fault !== undefined) {
    say(`  lintian is not run: ${fault}`);
    return [];
  }
  const { code, output } = await run('lintian', ['--allow-root', '--fail-on', 'error,warning', file]);
  const lines = output.split('\n').filter((line) => /^[EW]: /.test(line));
  return code !== 0 && lines.length === 0 ? [output.trim()] : lines;
}
