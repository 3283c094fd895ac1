import { backupRoutes } from '../../fleet/backup/api.ts';
import type { Services } from '../services.ts';
import { keptAs } from './kept-as.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/api/backups` */
export function listBackups(services: Services): BackupRoute {
  const { config, store, summaries, operations, leadership, schedule } = services;
  return route({
    ...backupRoutes.list,
    async handle() {
      const backups = await summaries.all();
      const reasons = await keptAs(backups, services);
      const readable = backups.findLast(({ facts }) => facts.state !== 'damaged');
      const next = schedule.next;
      return {
        body: {
          store: store.shown,
          schedule: config.schedule,
          runner: `${leadership.me.host} (${leadership.me.url})`,
          next_run: next === null ? null : new Date(next).toISOString(),
          last_success: readable?.facts.finished_at ?? null,
          running: operations.running(),
          backups: backups.map(({ facts }) => ({ ...facts, kept_as: reasons.get(facts.id) ?? [] })).reverse(),
        },
      };
    },
  });
}
