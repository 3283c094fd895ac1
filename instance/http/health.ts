import { type InstanceParts, route } from './parts.ts';

export const getHealth = ({ health }: InstanceParts) =>
  route({
    method: 'get',
    path: '/health',
    summary: 'How the instance is',
    tag: 'health',
    access: 'open',
    responses: { 200: { description: 'It takes requests' }, 503: { description: 'It should get none' } },
    handle() {
      const report = health.report();
      return { status: report.status === 'unhealthy' ? 503 : 200, body: report };
    },
  });
