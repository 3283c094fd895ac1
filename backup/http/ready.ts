import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/ready`: throws `backup_unavailable` unless this service is the one that makes the backups. One that waits for the lease is well, and not ready. */
export function getReady({ leadership }: Services): BackupRoute {
  return route({
    method: 'get',
    path: '/ready',
    summary: 'Whether this service makes the backups now',
    tag: 'health',
    access: 'open',
    responses: { 200: { description: 'It does' }, 503: { description: 'backup_unavailable' } },
    handle() {
      leadership.term();
      return { body: { status: 'ready' } };
    },
  });
}
