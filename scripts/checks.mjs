import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { root, sourceFolders } from './paths.mjs';
import { say, seconds } from './say.mjs';

const bin = (name) => join(root, 'node_modules/.bin', name);
const folders = sourceFolders.filter((folder) => existsSync(join(root, folder)));

/** What must hold for the source itself, each a program that says what is wrong. Run one after the other: some use all cores. */
const checks = [
  {
    name: 'format and lint (biome)',
    program: bin('biome'),
    args: ['check', '--colors=off', '--error-on-warnings', '.'],
  },
  {
    name: 'types (tsc)',
    program: bin('tsc'),
    args: ['-p', 'tsconfig.json', '--noEmit', '--incremental', 'false', '--pretty', 'false'],
  },
  {
    name: 'types of the browser code (tsc)',
    program: bin('tsc'),
    args: ['-p', 'tsconfig.browser.json', '--pretty', 'false'],
  },
  {
    name: 'who imports whom (dependency-cruiser)',
    program: bin('depcruise'),
    args: ['--config', '.dependency-cruiser.cjs', ...folders],
  },
  { name: 'dead code, unused packages (knip)', program: bin('knip'), args: ['--no-progress'] },
];

/**
 * Runs all checks, and shows what those that fail say.
 *
 * @returns {Promise<{passed: number, failed: string[]}>} failed: names
 */
export async function runChecks() {
  const failed = [];
  for (const { name, program, args } of checks) {
    const started = performance.now();
    const { code, output } = await run(program, args, { cwd: root });
    say(`  ${code === 0 ? 'passed' : 'FAILED'}  ${name} (${seconds(performance.now() - started)})`);
    if (code === 0) continue;
    failed.push(name);
    say(output.trimEnd());
  }
  return { passed: checks.length - failed.length, failed };
}
