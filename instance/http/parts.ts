import { z } from 'zod';
import { defineRoute } from '../../common/http/route.ts';
import type { Order } from '../../fleet/coordination.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import type { SessionCopies } from '../copies/session-copies.ts';
import type { HealthReporter } from '../health.ts';
import type { MediaDownloads } from '../media/media-downloads.ts';
import type { InstanceMetrics } from '../metrics.ts';
import type { SessionRestores } from '../restores/session-restores.ts';
import type { SessionUndo } from '../restores/session-undo.ts';
import type { SessionManager } from '../session/session-manager.ts';

/** What the routes of an instance work on. */
export interface InstanceParts {
  manager: SessionManager;
  downloads: MediaDownloads;
  copies: SessionCopies;
  restores: Pick<SessionRestores, 'restore'>;
  undos: Pick<SessionUndo, 'undo'>;
  health: HealthReporter;
  metrics: InstanceMetrics;
  /** Passes an order on to the supervisor. */
  order: (order: Order) => void;
  /** Begins to stop this process; its supervisor starts it again. */
  restart: () => void;
}

/** Where a session is on an instance; see `fleet/instance-api.ts`. */
export const SESSION_PATH = '/workspaces/:workspace_id/sessions/:session_id';

/** The path's parameters. */
export const sessionParamsSchema = z.object({ workspace_id: workspaceIdSchema, session_id: sessionIdSchema });

/** A route that only a router of the fleet may call; the principal is nobody in particular. */
export const route = defineRoute<null>();
