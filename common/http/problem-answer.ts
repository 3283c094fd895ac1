import { WharfError } from '../errors.ts';
import { toProblem } from '../problem.ts';

/** An error as it goes over HTTP. */
export interface ProblemAnswer {
  status: number;
  /** Beside those every answer has. */
  headers: Record<string, string>;
  body: string;
}

/** The answer to a request that failed; the same from every place that answers requests. */
export function problemAnswer(error: unknown, requestId: string): ProblemAnswer {
  const problem = toProblem(error, requestId);
  const { status, retry_after } = problem;
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json; charset=utf-8',
      ...(retry_after === undefined ? {} : { 'Retry-After': String(Math.ceil(retry_after)) }),
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    },
    body: JSON.stringify(problem),
  };
}

/** Whether a failed request is worth a line in the log: a fault of ours, and not one that passes by itself and is told of elsewhere. */
export function isFault(error: unknown, status: number): boolean {
  return status >= 500 && !(error instanceof WharfError && status === 503);
}
