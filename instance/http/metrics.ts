import { type InstanceParts, route } from './parts.ts';

/** Open, since it names no workspace, no session and no number of anybody's. */
export const getMetrics = ({ metrics }: InstanceParts) =>
  route({
    method: 'get',
    path: '/metrics',
    summary: 'Metrics of this instance for Prometheus',
    tag: 'health',
    access: 'open',
    responses: { 200: { description: 'The metrics', contentTypes: ['text/plain'] } },
    async handle() {
      return { body: await metrics.text(), headers: { 'Content-Type': metrics.contentType } };
    },
  });
