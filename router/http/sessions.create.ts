import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import type { Reply } from '../../common/http/route.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { createSessionSchema } from '../../fleet/instance-api.ts';
import { sessionSummarySchema } from '../../fleet/records.ts';
import type { Principal } from '../principal.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

/** What makes a session. */
const createBodySchema = z
  .strictObject({
    workspace_id: workspaceIdSchema
      .optional()
      .meta({ description: 'Whose session; needed with an admin key' }),
    session_id: sessionIdSchema
      .optional()
      .meta({ description: 'Default: the workspace id, so that the same body is the same session' }),
    ...createSessionSchema.shape,
  })
  .meta({ id: 'CreateSession' });

/** POST `/api/whatsapp/sessions` */
export function sessionsCreate(
  services: Services,
  path = '/api/whatsapp/sessions',
  deprecated = false,
): RouterRoute {
  return route({
    method: 'post',
    path,
    tag: deprecated ? 'Older names' : 'Sessions',
    summary: 'Makes a session and starts it. The same body again gives the same session',
    query: z.strictObject({}),
    body: createBodySchema,
    deprecated,
    responses: {
      200: { description: 'It was there already', schema: sessionSummarySchema },
      201: { description: 'It was made', schema: sessionSummarySchema },
      409: { description: 'session_exists: it is there with other settings' },
      503: { description: 'no_capacity: no instance has room' },
    },
    async handle({ body, principal, requestId }): Promise<Reply> {
      const { workspace_id, session_id, ...settings } = body;
      const workspace = workspaceOf(principal, workspace_id);
      const place = { workspace, session: session_id ?? workspace };
      const made = await services.creator.create(place, settings, requestId);
      // What was accepted for an earlier session of this id, in the moment it was deleted, is not this one's.
      if (made.created) await services.leftovers.end(place);
      return { status: made.created ? 201 : 200, body: sessionSummarySchema.parse(made.session) };
    },
  });
}

function workspaceOf(principal: Principal, named: string | undefined): string {
  if (principal.kind === 'workspace') {
    if (named === undefined || named === principal.workspace) return principal.workspace;
    throw new WharfError('not_found', `There is no workspace ${named}.`);
  }
  if (named !== undefined) return named;
  const faults = [{ path: 'workspace_id', message: 'is needed with an admin key' }];
  throw new WharfError('invalid_request', 'workspace_id: is needed with an admin key', { faults });
}
