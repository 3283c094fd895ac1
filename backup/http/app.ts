import type { Express } from 'express';
import { createApp, finishApp, mountRoutes } from '../../common/http/app.ts';
import type { Services } from '../services.ts';
import { exportSession } from './backups.export.ts';
import { getBackup } from './backups.get.ts';
import { listBackups } from './backups.list.ts';
import { getOperation } from './backups.operation.ts';
import { listOperations } from './backups.operations.ts';
import { pruneBackups } from './backups.prune.ts';
import { runBackup } from './backups.run.ts';
import { verifyBackups } from './backups.verify.ts';
import { getHealth } from './health.ts';
import { getMetrics } from './metrics.ts';
import { getReady } from './ready.ts';
import { restoreRoutes } from './restores.ts';
import { type BackupRoute, requireToken } from './route.ts';

const BODY_LIMIT = 64 * 1024;

/** Every route of the service; a path that fits another's with an id in it stands before that. */
function routes(services: Services): BackupRoute[] {
  return [
    getHealth(services),
    getReady(services),
    getMetrics(services),
    listBackups(services),
    runBackup(services),
    listOperations(services),
    getOperation(services),
    verifyBackups(services),
    pruneBackups(services),
    getBackup(services),
    exportSession(services),
    ...restoreRoutes(services),
  ];
}

/** The backup service's API, for routers alone: every path but `/health`, `/ready` and `/metrics` asks for the fleet's internal token. */
export function backupApp(services: Services, token: string): Express {
  const app = createApp(services.log);
  mountRoutes(app, routes(services), {
    log: services.log,
    bodyLimit: BODY_LIMIT,
    anyone: null,
    authenticate: (request) => {
      requireToken(request, token);
      return null;
    },
  });
  finishApp(app, services.log);
  return app;
}
