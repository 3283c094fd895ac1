import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './checks.mjs';
import { withLock } from './lock.mjs';
import { dist, root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { runScript, say } from './say.mjs';
import { installHostParts } from './setup/hosts.mjs';
import { findTerraform } from './setup/terraform.mjs';
import { installTestPart, TEST_PARTS } from './setup/test-parts.mjs';
import { countTests } from './test-results.mjs';

/**
 * `npm test [-- vitest's arguments]`: sets up, builds, checks, tests. The last line of standard output is `N passed, N failed`,
 * checks counted in. With arguments (a file, `-t NAME`) only the tests they name run, and no checks.
 */
runScript(async () => {
  const args = process.argv.slice(2);
  say('Wharf: setting up');
  await prepare();
  await withLock(join(dist, '.lock'), async () => {
    await installHostParts();
    for (const part of TEST_PARTS) await installTestPart(part);
  });
  const { fault } = findTerraform();
  if (fault !== undefined) say(`  Terraform: none, tests of infra/terraform will be skipped (${fault})`);
  let checks = { passed: 0, failed: [] };
  if (args.length === 0) {
    say('Checks');
    checks = await runChecks();
  }
  say('Tests');
  const tests = await runTests(args);
  for (const fault of [...checks.failed.map((name) => `check: ${name}`), ...tests.faults])
    say(`failed: ${fault}`);
  say(
    `checks: ${checks.passed} passed, ${checks.failed.length} failed; tests: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`,
  );
  const failed = checks.failed.length + tests.failed;
  process.stdout.write(`${checks.passed + tests.passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
});

async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'wharf-test-'));
  const report = join(folder, 'report.json');
  try {
    const code = await runVitest([
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ]);
    return countTests(report, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runVitest(args) {
  const child = spawn(join(root, 'node_modules/.bin/vitest'), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // From a terminal vitest gets Ctrl-C itself, and ends its tests in order; this process waits for it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
