import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Tracer } from '../tracing/tracer.ts';

/** What asks again and again, and nobody looks for. */
const PROBES = /^\/(health|ready|metrics)$/;

/**
 * Answers a request as a span of the trace that its `traceparent` names, or of one that begins here.
 *
 * @param route its route (`GET /things/:id`), asked for at the end; undefined where it has none
 */
export function traced(
  tracer: Tracer,
  request: IncomingMessage,
  response: ServerResponse,
  route: () => string | undefined,
  answer: () => void,
): void {
  const method = request.method ?? 'GET';
  const parent = request.headers['traceparent'];
  if (!tracer.on || PROBES.test(request.url ?? '')) {
    answer();
    return;
  }
  const start = {
    name: method,
    kind: 'server',
    parent: typeof parent === 'string' ? parent : null,
    attributes: { 'http.request.method': method },
  } as const;
  void tracer.run(
    start,
    (span) =>
      new Promise<void>((resolve) => {
        response.once('close', () => {
          const path = route();
          if (path !== undefined) {
            span.rename(path);
            span.set({ 'http.route': path.slice(method.length + 1) });
          }
          const { statusCode } = response;
          span.set({ 'http.response.status_code': statusCode });
          if (statusCode >= 500) span.fail(String(statusCode));
          resolve();
        });
        answer();
      }),
  );
}
