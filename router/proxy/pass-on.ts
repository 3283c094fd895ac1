import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { fromProblem, problemSchema } from '../../common/problem.ts';
import type { Answer } from './outgoing.ts';

/** Headers of an instance's answer that a caller gets; the rest is between it and the router. */
const PASSED_HEADERS = [
  'content-type',
  'content-length',
  'cache-control',
  'content-disposition',
  'retry-after',
] as const;

/** Streams an instance's answer to the caller as it comes. A caller who left, or an instance that broke off, cuts the stream: no error to tell anybody. */
export async function passOn(answer: Answer, response: ServerResponse): Promise<undefined> {
  response.statusCode = answer.statusCode;
  for (const name of PASSED_HEADERS) {
    const value = answer.headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  try {
    await pipeline(answer.body, response);
  } catch {
    response.destroy();
  }
}

/**
 * Reads a small answer whole.
 *
 * @throws WharfError the instance's own error where it answered with one; `instance_unavailable` for an answer that is not as agreed
 */
export async function readAnswer<T>(answer: Answer, schema: z.ZodType<T>): Promise<T> {
  let value: unknown;
  try {
    value = await answer.body.json();
  } catch (error) {
    throw disagreed(answer, error);
  }
  if (answer.statusCode >= 400) {
    const problem = problemSchema.safeParse(value);
    throw problem.success ? fromProblem(problem.data) : disagreed(answer, problem.error);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw disagreed(answer, parsed.error);
  return parsed.data;
}

function disagreed(answer: Answer, cause: unknown): WharfError {
  return new WharfError(
    'instance_unavailable',
    `The instance answered ${answer.statusCode} with something this router does not understand. Do both run one version of Wharf?`,
    { cause },
  );
}
