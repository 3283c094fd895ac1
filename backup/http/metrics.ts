import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/metrics`. Open, since it names no workspace, no session and no number of anybody's. */
export function getMetrics({ metrics }: Services): BackupRoute {
  return route({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics of this service for Prometheus',
    tag: 'health',
    access: 'open',
    responses: { 200: { description: 'The metrics', contentTypes: ['text/plain'] } },
    async handle() {
      return { body: await metrics.text(), headers: { 'Content-Type': metrics.contentType } };
    },
  });
}
