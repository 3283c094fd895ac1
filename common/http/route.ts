import type { Request, Response } from 'express';
import type { z } from 'zod';

/** The methods our routes use. */
export type Method = 'get' | 'post' | 'put' | 'delete';

/** What a handler gets: everything checked. `Principal` is who asks, as the app's authentication found. */
export interface Exchange<Params, Query, Body, Principal> {
  params: Params;
  query: Query;
  body: Body;
  principal: Principal;
  requestId: string;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  request: Request;
  response: Response;
}

/** What a handler answers: JSON by default; a handler that wrote to the response itself returns undefined. */
export interface Reply {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What a route answers, for the API's description. */
export interface ResponseDescription {
  description: string;
  schema?: z.ZodType;
  /** Content types other than JSON. */
  contentTypes?: readonly string[];
}

/**
 * One route: its path, the schemas its input is checked with (and its description is made of), and its handler.
 * Query and body schemas should be strict objects, so that unknown fields are refused.
 */
export interface Route<Principal, Params = unknown, Query = unknown, Body = unknown> {
  method: Method;
  /** Express's syntax: `/api/whatsapp/sessions/:session_id`. */
  path: string;
  summary: string;
  /** A heading in the API's description. */
  tag: string;
  /** `open` asks for no key; default `any` key; `admin` only that. */
  access?: 'open' | 'any' | 'admin';
  params?: z.ZodType<Params>;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** The body as the API's description shows it, where the schema that checks it picks among these shapes by itself. */
  bodyShape?: z.ZodType;
  /** The handler reads the request's body itself, whatever its type; what it is, for the API's description. Not beside `body`. */
  rawBody?: string;
  /** Request headers worth a mention in the API's description, with what they do. */
  headers?: Record<string, string>;
  /** Bytes; default: the app's. */
  bodyLimit?: number;
  responses: Record<number, ResponseDescription>;
  /** True for older names kept for old callers. */
  deprecated?: boolean;
  handle(exchange: Exchange<Params, Query, Body, Principal>): Promise<Reply | undefined> | Reply | undefined;
}

/** Writes a route with its types inferred from its schemas, then forgets them, so that routes of all shapes fit in one list. */
export function defineRoute<Principal>() {
  return <Params, Query, Body>(route: Route<Principal, Params, Query, Body>): Route<Principal> =>
    route as unknown as Route<Principal>;
}
