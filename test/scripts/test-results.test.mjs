import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { countTests } from '../../scripts/test-results.mjs';
import { temporaryDirectory } from '../helpers/temp-dir.ts';
import { write } from './helpers.mjs';

describe('the count of tests', () => {
  let file;
  beforeEach(async () => {
    file = join(await temporaryDirectory(), 'report.json');
  });
  const suite = (status, ...tests) => ({
    name: 'a.test.ts',
    status,
    message: '',
    assertionResults: tests.map((result, index) => ({ status: result, fullName: `test ${index}` })),
  });
  const count = (code, ...testResults) => {
    write(file, JSON.stringify({ testResults }));
    return countTests(file, code);
  };

  it('counts what passed, failed and was skipped', () => {
    expect(
      count(1, suite('passed', 'passed', 'skipped'), suite('failed', 'passed', 'failed', 'todo')),
    ).toEqual({
      passed: 2,
      failed: 1,
      skipped: 2,
      faults: ['a.test.ts: test 1'],
    });
  });

  it('counts a file that could not be loaded as one failure', () => {
    expect(count(1, suite('passed', 'passed'), suite('failed'))).toMatchObject({ passed: 1, failed: 1 });
  });

  it('counts an error outside of any test as one failure', () => {
    expect(count(1, suite('passed', 'passed'))).toMatchObject({ passed: 1, failed: 1 });
  });

  it('counts a run without a report, or without any test, as one failure', () => {
    expect(countTests(join(file, 'absent'), 0)).toMatchObject({ passed: 0, failed: 1 });
    expect(count(0)).toMatchObject({ passed: 0, failed: 1 });
  });
});
