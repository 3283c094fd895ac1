import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  ERROR_CODES,
  type ErrorCode,
  isWharfError,
  messageOf,
  systemCode,
  WharfError,
} from '../../common/errors.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

interface Row {
  status: number;
  retry: boolean;
  means: string;
  todo: string;
}

/** The rows of the table in `docs/errors.md`, by code. */
function documented(): Map<string, Row> {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` *\| (\d{3}) *\| (yes|no) *\| (.*?) *\| (.*?) *\|$/gm)];
  return new Map(
    rows.map(([, code = '', status, retry, means = '', todo = '']) => [
      code,
      { status: Number(status), retry: retry === 'yes', means, todo },
    ]),
  );
}

describe('the error codes', () => {
  it('stand in docs/errors.md, all of them and no others, each once and in the order of their status', () => {
    const table = documented();
    const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    expect([...table.keys()].sort()).toEqual([...codes].sort());
    expect(text.match(/^\| `/gm)).toHaveLength(codes.length);
    const statuses = [...table.values()].map((row) => row.status);
    expect(statuses).toEqual([...statuses].sort((a, b) => a - b));
  });

  it.each(codes)(
    '%s is described with its status, whether a retry helps, what it means and what to do',
    (code) => {
      const row = documented().get(code);
      expect(row).toMatchObject({ status: ERROR_CODES[code].status, retry: ERROR_CODES[code].retry });
      expect(row?.means).toMatch(/\w{3}.*\.$/);
      expect(row?.todo).toMatch(/\w{3}.*\.$/);
    },
  );

  it('are errors of HTTP, with a title that is a sentence begun', () => {
    for (const code of codes) {
      expect(ERROR_CODES[code].status).toBeGreaterThanOrEqual(400);
      expect(ERROR_CODES[code].status).toBeLessThan(600);
      expect(ERROR_CODES[code].title).toMatch(/^[A-Z].*[^.]$/);
    }
  });
});

describe('an error', () => {
  it('has the status of its code, and keeps its cause and faults', () => {
    const cause = new Error('underneath');
    const faults = [{ path: 'to', message: 'must be there' }];
    const error = new WharfError('invalid_request', 'what failed', { cause, faults });
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', cause, faults, extra: {} });
    expect(error.retryAfter).toBeUndefined();
  });

  it('says when to try again where a service is away, if nothing better is known', () => {
    expect(new WharfError('redis_unavailable', 'x').retryAfter).toBe(2);
    expect(new WharfError('no_capacity', 'x', { retryAfter: 30 }).retryAfter).toBe(30);
  });

  it('is told apart by its code', () => {
    const error = new WharfError('timeout', 'x');
    expect([isWharfError(error), isWharfError(error, 'timeout'), isWharfError(error, 'internal')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isWharfError(new Error('x'))).toBe(false);
    expect(isWharfError(undefined)).toBe(false);
  });

  it('gives its message, whatever was thrown', () => {
    expect(messageOf(new Error('a'))).toBe('a');
    expect(messageOf('b')).toBe('b');
    expect(messageOf(undefined)).toBe('undefined');
  });

  it('gives the code of a system error alone', () => {
    expect(systemCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(systemCode(Object.assign(new Error('x'), { code: 7 }))).toBeUndefined();
    expect(systemCode({ code: 'ENOENT' })).toBeUndefined();
  });

  it('name what Node has no name for, as NFS and quotas give it', () => {
    const unnamed = (number: number) =>
      Object.assign(new Error('x'), { code: `Unknown system error -${number}` });
    expect(systemCode(unnamed(constants.errno.ESTALE))).toBe('ESTALE');
    expect(systemCode(unnamed(constants.errno.EDQUOT))).toBe('EDQUOT');
    expect(systemCode(unnamed(9999))).toBe('Unknown system error -9999');
  });
});
