import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, WharfError } from '../../common/errors.ts';
import { fromProblem, problemSchema, toProblem } from '../../common/problem.ts';

describe('a problem document', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    'of %s passes its own schema and comes back as the error',
    (code) => {
      const error = new WharfError(code, 'what failed', {
        faults: [{ path: 'a.b[1]', message: 'must be a number' }],
        retryAfter: 7,
        extra: { owner: 'instance-2', count: 3, sure: false, none: null },
      });
      const problem = problemSchema.parse(JSON.parse(JSON.stringify(toProblem(error, 'request-1'))));
      expect(problem).toMatchObject({ code, status: ERROR_CODES[code].status, request_id: 'request-1' });
      const again = fromProblem(problem);
      expect(again).toMatchObject({
        code,
        message: error.message,
        faults: error.faults,
        retryAfter: 7,
        extra: error.extra,
      });
    },
  );

  it('tells nothing of an error that is not ours', () => {
    const problem = toProblem(new Error('password is hunter2 at /secret/path'), 'request-1');
    expect(problem).toMatchObject({ code: 'internal', status: 500 });
    expect(JSON.stringify(problem)).not.toMatch(/hunter2|secret/);
    expect(problem.detail).toContain('request-1');
  });

  it('never shows the cause', () => {
    const error = new WharfError('storage_unavailable', 'no', { cause: new Error('hunter2') });
    expect(JSON.stringify(toProblem(error, 'r'))).not.toContain('hunter2');
  });

  it('keeps its own members where an error has extra ones of the same name', () => {
    const error = new WharfError('timeout', 'late', { extra: { status: 200, code: 'fine', detail: 'x' } });
    expect(toProblem(error, 'r')).toMatchObject({ status: 504, code: 'timeout', detail: 'late' });
  });

  it('drops what another process added that is neither text nor number', () => {
    const problem = problemSchema.parse({ ...toProblem(new WharfError('timeout', 'x'), 'r'), odd: { a: 1 } });
    expect(fromProblem(problem).extra).toEqual({});
  });
});
