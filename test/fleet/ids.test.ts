import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSessionId,
  isWorkspaceId,
  sessionIdSchema,
  showWorkspaceId,
  workspaceIdSchema,
} from '../../fleet/ids.ts';

const BAD_NAMES = [
  '',
  '.',
  '..',
  '../x',
  'a/b',
  'a\\b',
  'a\0',
  'a b',
  'a\n',
  'ä',
  '\u202e',
  'x'.repeat(65),
  'x'.repeat(10_000),
  '%2e%2e',
  'a.b',
];

describe('workspace ids', () => {
  it.each([
    [7, '7'],
    ['7', '7'],
    [0, '0'],
    [-0, '0'],
    ['0', '0'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['9007199254740991', '9007199254740991'],
    ['acme-1_B', 'acme-1_B'],
    ['00a', '00a'],
    ['x'.repeat(64), 'x'.repeat(64)],
  ])('takes %j as %j', (id, canonical) => {
    expect(workspaceIdSchema.parse(id)).toBe(canonical);
  });

  it.each([
    '007',
    '00',
    '9007199254740992',
    '9007199254740993',
    '1'.repeat(64),
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    true,
    {},
    [7],
    ...BAD_NAMES,
  ])('refuses %j', (id) => {
    expect(workspaceIdSchema.safeParse(id).success).toBe(false);
  });

  it('are one for a number and its digits, show as the number, and are stable', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (number) => {
        const id = workspaceIdSchema.parse(number);
        expect(workspaceIdSchema.parse(String(number))).toBe(id);
        expect(showWorkspaceId(id)).toBe(number);
        expect(isWorkspaceId(id)).toBe(true);
        expect(isWorkspaceId(number)).toBe(false);
      }),
    );
  });

  it('show as the string where they are no number', () => {
    expect(showWorkspaceId('acme')).toBe('acme');
    expect(showWorkspaceId('-1')).toBe('-1');
  });
});

describe('session ids', () => {
  it.each(['a', 'main', '007', '-', '_', 'x'.repeat(64)])('takes %j', (id) => {
    expect(sessionIdSchema.parse(id)).toBe(id);
    expect(isSessionId(id)).toBe(true);
  });

  it.each([7, null, undefined, {}, ...BAD_NAMES])('refuses %j', (id) => {
    expect(sessionIdSchema.safeParse(id).success).toBe(false);
    expect(isSessionId(id)).toBe(false);
  });
});
