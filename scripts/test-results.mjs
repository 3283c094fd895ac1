import { readFileSync } from 'node:fs';

/**
 * Counts what vitest's JSON report says, so that nothing that went wrong is left out: a file that could not be loaded has no
 * test to fail, and an error outside of any test fails none.
 *
 * @param {string} file the report
 * @param {number} code vitest's exit code
 * @returns {{passed: number, failed: number, skipped: number, faults: string[]}} faults: one line for each failure
 */
export function countTests(file, code) {
  const result = { passed: 0, failed: 0, skipped: 0, faults: [] };
  const fail = (fault) => {
    result.failed += 1;
    result.faults.push(fault);
  };
  const report = read(file);
  if (report === undefined) {
    fail(`vitest ended with exit code ${code} and left no report`);
    return result;
  }
  for (const suite of report.testResults) {
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') result.passed += 1;
      else if (test.status === 'failed') fail(`${suite.name}: ${test.fullName}`);
      else result.skipped += 1;
    }
    if (suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed'))
      fail(`${suite.name}: ${suite.message || 'failed outside of its tests'}`);
  }
  if (code !== 0 && result.failed === 0)
    fail(`vitest ended with exit code ${code}, for an error outside of any test`);
  if (result.passed + result.failed === 0) fail('no test was found');
  return result;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
