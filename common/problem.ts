import { z } from 'zod';
import { ERROR_CODES, type ErrorCode, WharfError } from './errors.ts';

/** An error as HTTP tells it: problem+json of RFC 9457, with our members. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('Names the kind of problem'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What failed, on what, why, and what to do next'),
    code: z
      .enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]])
      .describe('Stable name of the error'),
    request_id: z.string(),
    retry_after: z.number().optional().describe('Seconds after which trying again may help'),
    faults: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

/** The document of {@link problemSchema}. */
export type Problem = z.infer<typeof problemSchema>;

/** The problem document of an error, for one request. Anything that is no {@link WharfError} becomes `internal` and tells nothing of itself. */
export function toProblem(error: unknown, requestId: string): Problem {
  const known =
    error instanceof WharfError
      ? error
      : new WharfError('internal', `An unexpected fault; look for ${requestId} in the log.`, {
          cause: error,
        });
  return {
    ...known.extra,
    type: `urn:wharf:error:${known.code}`,
    title: ERROR_CODES[known.code].title,
    status: known.status,
    detail: known.message,
    code: known.code,
    request_id: requestId,
    ...(known.retryAfter === undefined ? {} : { retry_after: known.retryAfter }),
    ...(known.faults === undefined ? {} : { faults: [...known.faults] }),
  };
}

/** Makes the error again from the problem document another process of the fleet answered with. */
export function fromProblem(problem: Problem): WharfError {
  const { type, title, status, detail, code, request_id, retry_after, faults, ...extra } = problem;
  return new WharfError(code, detail, {
    extra: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .catch({})
      .parse(extra),
    ...(retry_after === undefined ? {} : { retryAfter: retry_after }),
    ...(faults === undefined ? {} : { faults }),
  });
}
