import { timingSafeEqual } from 'node:crypto';
import type { Express, Request } from 'express';
import { WharfError } from '../../common/errors.ts';
import { createApp, finishApp, mountRoutes } from '../../common/http/app.ts';
import type { Logger } from '../../common/logger.ts';
import type { Tracer } from '../../common/tracing/tracer.ts';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import { readRoutes } from './chats.ts';
import { copyRoutes } from './copies.ts';
import { getHealth } from './health.ts';
import { keepMedia } from './media.keep.ts';
import { getMetrics } from './metrics.ts';
import { giveOrders } from './orders.ts';
import type { InstanceParts } from './parts.ts';
import { restartInstance } from './restart.ts';
import { restoreRoutes } from './restores.ts';
import { controlSession } from './sessions.control.ts';
import { createSession } from './sessions.create.ts';
import { deleteSession } from './sessions.delete.ts';
import { getSession } from './sessions.get.ts';
import { requestPairingCode } from './sessions.pairing-code.ts';
import { getQr } from './sessions.qr.ts';

const BODY_LIMIT = 64 * 1024;

/** The instance's API, for routers alone: every path but `/health` and `/metrics` asks for the fleet's internal token. */
export function instanceApp(parts: InstanceParts, token: string, log: Logger, tracer?: Tracer): Express {
  const app = createApp(log, undefined, tracer);
  const routes = [
    getHealth(parts),
    getMetrics(parts),
    giveOrders(parts),
    restartInstance(parts),
    createSession(parts),
    getSession(parts),
    deleteSession(parts),
    ...controlSession(parts),
    getQr(parts),
    requestPairingCode(parts),
    keepMedia(parts),
    ...readRoutes(parts),
    ...copyRoutes(parts),
    ...restoreRoutes(parts),
  ];
  mountRoutes(app, routes, {
    log,
    bodyLimit: BODY_LIMIT,
    anyone: null,
    authenticate: async (request) => {
      requireToken(request, token);
      // What is being read is waited for: a session that is not known yet is not one that is not there.
      const workspace = workspaceIdSchema.safeParse(request.params['workspace_id']);
      if (workspace.success) await parts.manager.workspaces.settled(workspace.data);
      return null;
    },
  });
  finishApp(app, log);
  return app;
}

function requireToken(request: Request, token: string): void {
  const given = Buffer.from(String(request.headers[INTERNAL_TOKEN_HEADER] ?? ''));
  const wanted = Buffer.from(token);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new WharfError(
    'unauthorized',
    'Instances answer to the routers of their fleet alone; call the router.',
  );
}
