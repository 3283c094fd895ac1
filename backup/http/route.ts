import { timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { WharfError } from '../../common/errors.ts';
import { defineRoute, type Route } from '../../common/http/route.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';

/** A route that only a router of the fleet may call; the principal is nobody in particular. */
export type BackupRoute = Route<null>;
export const route = defineRoute<null>();

/** Throws WharfError `unauthorized` where a request does not carry the fleet's internal token. */
export function requireToken(request: Request, token: string): void {
  const given = Buffer.from(String(request.headers[INTERNAL_TOKEN_HEADER] ?? ''));
  const wanted = Buffer.from(token);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new WharfError(
    'unauthorized',
    'The backup service answers to the routers of its fleet alone; call the router.',
  );
}
