import type { z } from 'zod';
import type { Method, ResponseDescription } from '../../common/http/route.ts';
import { backupRoutes } from '../../fleet/backup/api.ts';
import { passOn } from '../proxy/pass-on.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { noBody, noQuery } from './fleet-schemas.ts';

/** A route as the backup service describes it for both sides. */
interface Described {
  method: Extract<Method, 'get' | 'post'>;
  path: string;
  summary: string;
  tag: string;
  params?: z.ZodType<Record<string, string>>;
  query?: z.ZodType<Record<string, string | undefined>>;
  body?: z.ZodType;
  responses: Record<number, ResponseDescription>;
}

/** Milliseconds until an answer must begin: the service reads manifests in a bucket for it, and for a restore what is on the storage. */
const PATIENCE = 120_000;

/** Everything below `/api/backups` and `/api/restores`: checked here, and done by the backup service. */
export function backupsRoutes(services: Services): RouterRoute[] {
  return Object.values(backupRoutes).map((described: Described) => backupsRoute(services, described));
}

function backupsRoute({ backups }: Services, described: Described): RouterRoute {
  const { method, path, summary, tag, params, query = noQuery, responses } = described;
  const body = method === 'post' ? (described.body ?? noBody) : undefined;
  return route({
    method,
    path,
    summary,
    tag,
    access: 'admin',
    ...(params === undefined ? {} : { params }),
    query,
    ...(body === undefined ? {} : { body }),
    responses: {
      ...responses,
      503: { description: 'backup_unavailable: no backup service runs, or it cannot be reached' },
    },
    async handle({ params, query, body, request, requestId, signal, response }) {
      const answer = await backups.send({
        method: method === 'post' ? 'POST' : request.method === 'HEAD' ? 'HEAD' : 'GET',
        path: pathOf(path, params ?? {}, query),
        ...(method === 'post' ? { body: JSON.stringify(body) } : {}),
        requestId,
        patience: PATIENCE,
        caller: signal,
      });
      return await passOn(answer, response);
    },
  });
}

/** The path that fits a pattern such as `/api/backups/:backup`, with a query. */
function pathOf(
  pattern: string,
  params: Record<string, string>,
  query: Record<string, string | undefined>,
): string {
  const path = pattern.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, value);
  return given.size === 0 ? path : `${path}?${given}`;
}
