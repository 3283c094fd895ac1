import { systemCode } from '../../common/errors.ts';

/**
 * How a request to an instance failed.
 *
 * - `unsent`: there was no connection, so the instance saw nothing of it
 * - `late`: it was sent, and no answer came in time
 * - `broken`: the connection broke, perhaps after the instance saw it
 */
export type Failure = 'unsent' | 'late' | 'broken';

/** Codes (Node's and undici's) that say that no connection came about. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const LATE: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** How a request failed, by the error that undici threw; when in doubt `broken`, which promises least. */
export function failureOf(error: unknown): Failure {
  const code = systemCode(error) ?? '';
  if (UNSENT.has(code)) return 'unsent';
  return LATE.has(code) ? 'late' : 'broken';
}
