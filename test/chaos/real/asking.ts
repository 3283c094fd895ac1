/** JSON as it came. */
export type Json = Record<string, unknown>;

/** How a request ended. */
export type Answer =
  /** There is an answer; `body` is {} where it was none in JSON. */
  | { kind: 'answered'; status: number; body: Json }
  /** No connection came about: nobody saw the request. */
  | { kind: 'unsent'; reason: string }
  /** The connection broke, or nothing came in time: nobody knows. */
  | { kind: 'broken'; reason: string };

/** Codes of Node that say that there was no connection. */
const UNSENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Asks over HTTP, and tells every way in which that may end.
 *
 * @param patience milliseconds until nobody waits any longer
 */
export async function ask(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: Json,
  patience = 60_000,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patience),
    });
    const text = await response.text();
    return { kind: 'answered', status: response.status, body: parsed(text) };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const reason = `${String(code ?? '')} ${String(cause ?? error)}`.trim();
    return { kind: UNSENT.has(code) ? 'unsent' : 'broken', reason };
  }
}

/** As {@link ask}, where anything but success is a fault of the test. Throws with what was answered. */
export async function mustAsk(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: Json,
): Promise<Json> {
  const answer = await ask(method, url, headers, body);
  if (answer.kind !== 'answered') throw new Error(`${method} ${url}: ${answer.reason}`);
  if (answer.status >= 300)
    throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`);
  return answer.body;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
