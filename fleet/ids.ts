import { z } from 'zod';

/**
 * A workspace id in its one form inside Wharf: a string. A numeric one is decimal without leading zeros and at most
 * 2^53 - 1, so that `7` and `"7"` are one tenant and no two spellings name the same directory.
 */
export type WorkspaceId = string;

/** A session id: what LocalAuth takes as a client id, and a file name anywhere. */
export type SessionId = string;

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const DIGITS = /^[0-9]+$/;

function isCanonicalNumber(text: string): boolean {
  return Number.isSafeInteger(Number(text)) && String(Number(text)) === text;
}

/** A workspace id as it comes from outside, a number or a string; gives the string form. */
export const workspaceIdSchema = z
  .union(
    [
      z.number().int().nonnegative(),
      z
        .string()
        .regex(ID, 'must be a whole number, or 1 to 64 of the characters A-Z a-z 0-9 _ -')
        .refine((text) => !DIGITS.test(text) || isCanonicalNumber(text), {
          error: 'a numeric id has no leading zeros and is at most 9007199254740991',
        }),
    ],
    {
      error:
        'must be a whole number from 0 to 9007199254740991, or 1 to 64 of the characters A-Z a-z 0-9 _ -',
    },
  )
  .transform((id): WorkspaceId => String(id));

/** A session id as it comes from outside. */
export const sessionIdSchema = z.string().regex(ID, 'must be 1 to 64 of the characters A-Z a-z 0-9 _ -');

/** A workspace id as HTTP and people see it: the number where it is one, else the string. */
export function showWorkspaceId(workspace: WorkspaceId): number | string {
  return DIGITS.test(workspace) ? Number(workspace) : workspace;
}

/** True for a workspace id in its one form inside Wharf (never a number, never `007`). */
export function isWorkspaceId(value: unknown): value is WorkspaceId {
  return typeof value === 'string' && workspaceIdSchema.safeParse(value).success;
}

/** True for a session id. */
export function isSessionId(value: unknown): value is SessionId {
  return sessionIdSchema.safeParse(value).success;
}
