import { type RouterRoute, route, type Services } from '../services.ts';

/** GET `/metrics`: for Prometheus. Open, since it names no workspace, no session and no number of anybody's. */
export function metricsGet({ metrics }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/metrics',
    tag: 'Operations',
    summary: 'Metrics of this router for Prometheus',
    access: 'open',
    responses: { 200: { description: 'The metrics', contentTypes: ['text/plain'] } },
    async handle() {
      return { body: await metrics.text(), headers: { 'Content-Type': metrics.contentType } };
    },
  });
}
