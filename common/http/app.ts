import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { z } from 'zod';
import { type Fault, systemCode, WharfError } from '../errors.ts';
import { faultsOf } from '../faults.ts';
import type { Logger } from '../logger.ts';
import { NO_TRACER, type Tracer } from '../tracing/tracer.ts';
import { isFault, problemAnswer } from './problem-answer.ts';
import { requestIdOf } from './request-id.ts';
import type { Route } from './route.ts';
import { traced } from './traced.ts';

/** What an app of routes needs. */
export interface AppOptions<Principal> {
  log: Logger;
  /** Bytes a body may have, where a route does not say otherwise. */
  bodyLimit: number;
  /** Who asks; throws `unauthorized` or `forbidden`. Not called for open routes. */
  authenticate: (request: Request, access: 'any' | 'admin') => Principal | Promise<Principal>;
  /** Who asks on open routes. */
  anyone: Principal;
  /** Called after every answer, for metrics. */
  onAnswer?: (route: string, method: string, status: number, seconds: number) => void;
}

/** An Express app without routes: request ids, an access log, nothing that tells what it runs on. */
export function createApp(
  log: Logger,
  onAnswer?: AppOptions<unknown>['onAnswer'],
  tracer: Tracer = NO_TRACER,
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use((request, response, next) => {
    const started = performance.now();
    const requestId = requestIdOf(request);
    response.setHeader('X-Request-Id', requestId);
    response.on('close', () => {
      const milliseconds = performance.now() - started;
      const route = (response.locals['route'] as string | undefined) ?? 'none';
      onAnswer?.(route, request.method, response.statusCode, milliseconds / 1000);
      log.debug(
        {
          request_id: requestId,
          method: request.method,
          route,
          status: response.statusCode,
          ms: Math.round(milliseconds),
          complete: response.writableFinished,
        },
        'answered',
      );
    });
    next();
  });
  app.use((request, response, next) =>
    traced(tracer, request, response, () => response.locals['route'] as string | undefined, next),
  );
  return app;
}

/** Puts routes on an app: authentication, then the body, then checks, then the handler. */
export function mountRoutes<Principal>(
  app: Express,
  routes: Route<Principal>[],
  options: AppOptions<Principal>,
): void {
  for (const route of routes) {
    const label = `${route.method.toUpperCase()} ${route.path}`;
    const before: RequestHandler[] = [];
    before.push(async (request, response, next) => {
      response.locals['route'] = label;
      response.locals['principal'] =
        route.access === 'open' ? options.anyone : await options.authenticate(request, route.access ?? 'any');
      next();
    });
    if (route.body)
      before.push(
        express.json({ limit: route.bodyLimit ?? options.bodyLimit, strict: false, inflate: false }),
      );
    app[route.method](route.path, ...before, (request, response) => answer(route, request, response));
  }
  // After all routes, since a path may fit that of another with an id in it.
  for (const path of new Set(routes.map((route) => route.path))) refuseOtherMethods(app, path, routes);
}

function refuseOtherMethods<Principal>(app: Express, path: string, routes: Route<Principal>[]): void {
  const allowed = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
  const allow = (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', ');
  app.all(path, (request, response) => {
    response.setHeader('Allow', allow);
    throw new WharfError(
      'method_not_allowed',
      `${request.path.slice(0, 100)} does not take ${request.method}; it takes ${allow}.`,
    );
  });
}

/** Everything after the routes: unknown paths, and errors as problem documents. Errors of ours are logged here and nowhere else. */
export function finishApp(app: Express, log: Logger): void {
  app.use((request) => {
    throw new WharfError(
      'not_found',
      `There is nothing at ${request.method} ${request.path.slice(0, 100)}. The API is described at /docs.`,
    );
  });
  const onError: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    const known = fromBodyParser(error);
    const requestId = requestIdOf(request);
    const { status, headers, body } = problemAnswer(known, requestId);
    if (isFault(known, status)) {
      log.error({ request_id: requestId, route: response.locals['route'], err: known }, 'a request failed');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(status).set(headers).send(body);
  };
  app.use(onError);
}

async function answer<Principal>(
  route: Route<Principal>,
  request: Request,
  response: Response,
): Promise<void> {
  const faults: Fault[] = [];
  const params = check(route.params, request.params, 'path', faults);
  const query = check(route.query, request.query, 'query', faults);
  if (route.body && request.body === undefined && hasBody(request)) {
    const type = request.headers['content-type'];
    throw new WharfError(
      'unsupported_media_type',
      `The body must be application/json, ${type === undefined ? 'and its Content-Type must say so' : `not ${String(type).slice(0, 60)}`}.`,
    );
  }
  const body = check(route.body, request.body === undefined ? {} : request.body, '', faults);
  if (faults.length > 0) {
    const detail = faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ');
    throw new WharfError('invalid_request', detail, { faults });
  }
  const controller = new AbortController();
  response.on('close', () => controller.abort(new Error('the client went away')));
  const reply = await route.handle({
    params,
    query,
    body,
    request,
    response,
    principal: response.locals['principal'] as Principal,
    requestId: requestIdOf(request),
    signal: controller.signal,
  });
  if (reply === undefined) return;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.status(reply.status ?? 200);
  if (reply.body === undefined) response.end();
  else if (typeof reply.body === 'string' || Buffer.isBuffer(reply.body)) response.send(reply.body);
  else response.json(reply.body);
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function check<T>(schema: z.ZodType<T> | undefined, value: unknown, where: string, faults: Fault[]): T {
  if (schema === undefined) return undefined as T;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const fault of faultsOf(parsed.error)) {
    faults.push({ path: where === '' ? fault.path : `${where}.${fault.path}`, message: fault.message });
  }
  return undefined as T;
}

/** Express's body parser throws errors of its own kind: `type` tells which. */
function fromBodyParser(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof WharfError) return error;
  const type = 'type' in error ? String(error.type) : '';
  if (type === 'entity.too.large') {
    const limit = 'limit' in error ? Number(error.limit) : 0;
    return new WharfError(
      'payload_too_large',
      `The body is over the limit of ${limit} bytes. Upload large media first, or give its URL.`,
      { cause: error },
    );
  }
  if (type === 'entity.parse.failed')
    return new WharfError('invalid_request', `The body is not valid JSON: ${error.message.slice(0, 120)}`, {
      cause: error,
    });
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return new WharfError('unsupported_media_type', 'The body must be plain JSON in UTF-8, not compressed.', {
      cause: error,
    });
  }
  if (type === 'request.aborted' || type === 'request.size.invalid') {
    return new WharfError('invalid_request', 'The body ended before its announced length.', { cause: error });
  }
  if (error instanceof URIError)
    return new WharfError('invalid_request', 'The path is not validly percent-encoded.', { cause: error });
  if (systemCode(error) === 'ENOSPC')
    return new WharfError('storage_unavailable', 'The session storage is full.', { cause: error });
  return error;
}
