import { join } from 'node:path';
import { importFaults } from './checks/imports.mjs';
import { run } from './command.mjs';
import { root } from './paths.mjs';
import { say, seconds } from './say.mjs';

/** Runs a program of node_modules/.bin. @returns {Promise<string | undefined>} what it says when it fails */
async function judge(program, ...args) {
  const { code, output } = await run(join(root, 'node_modules/.bin', program), args, { cwd: root });
  return code === 0 ? undefined : output.trimEnd() || `exit code ${code}`;
}

/** What must hold for the source itself. One after the other: some use all cores. */
const checks = [
  {
    name: 'format and lint (biome)',
    look: () => judge('biome', 'check', '--colors=off', '--error-on-warnings', '.'),
  },
  {
    name: 'types (tsc)',
    look: () =>
      judge('tsc', '-p', 'tsconfig.json', '--noEmit', '--incremental', 'false', '--pretty', 'false'),
  },
  {
    name: 'types of the browser code (tsc)',
    look: () => judge('tsc', '-p', 'tsconfig.browser.json', '--pretty', 'false'),
  },
  { name: 'who imports whom (dependency-cruiser)', look: judgeImports },
  { name: 'dead code, unused packages (knip)', look: () => judge('knip', '--no-progress') },
];

async function judgeImports() {
  const faults = await importFaults();
  return faults.length === 0
    ? undefined
    : faults.map(({ from, to, rule }) => `${rule}: ${from} imports ${to}`).join('\n');
}

/**
 * Runs all checks, and shows what those that fail say.
 *
 * @returns {Promise<{passed: number, failed: string[]}>} failed: names
 */
export async function runChecks() {
  const failed = [];
  for (const { name, look } of checks) {
    const started = performance.now();
    const fault = await look();
    say(`  ${fault === undefined ? 'passed' : 'FAILED'}  ${name} (${seconds(performance.now() - started)})`);
    if (fault === undefined) continue;
    failed.push(name);
    say(fault);
  }
  return { passed: checks.length - failed.length, failed };
}
