import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { type EventType, eventTypeSchema } from '../../fleet/events/event.ts';
import type { EventFilter } from '../../fleet/events/event-log.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import type { Principal } from '../principal.ts';
import type { Services } from '../services.ts';
import { findSession } from '../sessions/finder.ts';

/** Which events somebody asks for. */
export const filterFields = {
  workspace_id: workspaceIdSchema
    .optional()
    .meta({ description: "Of this workspace; without it an admin key gets those of all, and the fleet's" }),
  session_id: sessionIdSchema.optional().meta({ description: 'Of this session' }),
};

/** `types` as a query has it: names with commas between them, or several of them. */
export const typesQuery = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [value].flat().flatMap((each) => each.split(',')))
  .pipe(z.array(eventTypeSchema))
  .meta({
    description: 'Only these types, with commas between them',
    example: 'message.received,message.status',
  });

/**
 * The events somebody means and may see.
 *
 * @throws WharfError `not_found` for another's workspace; `session_not_found`, `ambiguous_session` for a session an admin did not say the workspace of
 */
export async function filterFor(
  { table, follower }: Pick<Services, 'table' | 'follower'>,
  principal: Principal,
  asked: {
    workspace_id?: string | undefined;
    session_id?: string | undefined;
    types?: EventType[] | undefined;
  },
): Promise<EventFilter> {
  const types = asked.types === undefined ? {} : { types: asked.types };
  const session = asked.session_id === undefined ? {} : { session: asked.session_id };
  if (principal.kind === 'workspace') {
    const { workspace } = principal;
    if (asked.workspace_id !== undefined && asked.workspace_id !== workspace)
      throw new WharfError('not_found', `There is no workspace ${asked.workspace_id}.`);
    return { workspace, ...session, ...types };
  }
  if (asked.workspace_id !== undefined) return { workspace: asked.workspace_id, ...session, ...types };
  if (asked.session_id === undefined) return types;
  const found = await findSession(table, follower, principal, asked.session_id, undefined);
  return { workspace: found.workspace, session: found.session, ...types };
}
