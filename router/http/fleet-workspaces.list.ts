import { z } from 'zod';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { compareSessions } from '../registry/session-order.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { instanceIdSchema } from './fleet-schemas.ts';
import { placedWorkspaceSchema, shownPlace } from './workspace-shape.ts';

const listQuery = z.strictObject({
  instance: instanceIdSchema.optional(),
  away: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'true: only those that are not at home. false: only those that are' }),
  limit: z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1000).default(100),
  cursor: workspaceIdSchema.optional().meta({ description: 'next_cursor of the page before' }),
});

const listSchema = z
  .object({
    workspaces: z.array(
      placedWorkspaceSchema.extend({
        claimed: z.boolean().describe('False between being assigned to its instance and being taken by it'),
        sessions: z.number().int(),
        ready: z.number().int().describe('Of its sessions'),
      }),
    ),
    next_cursor: z.string().nullable().describe('Gives the next page; null on the last one'),
    total: z.number().int().describe('Workspaces that were asked for, on this page or not'),
  })
  .meta({ id: 'WorkspaceList' });

/** GET `/api/fleet/workspaces` */
export function fleetWorkspacesList({ table, config }: Pick<Services, 'table' | 'config'>): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/workspaces',
    tag: 'Fleet',
    summary: 'Lists workspaces: where each is, and where its home is',
    access: 'admin',
    query: listQuery,
    responses: { 200: { description: 'A page of workspaces, by their ids', schema: listSchema } },
    handle({ query: { instance, away, limit, cursor } }) {
      const matching = [...table.workspaces()].filter((workspace) => {
        const owner = table.owner(workspace);
        if (owner === undefined || (instance !== undefined && owner.instance !== instance)) return false;
        if (away === undefined) return true;
        const { home } = shownPlace(config, workspace, owner);
        return (home !== owner.instance) === (away === 'true');
      });
      const rest = matching.filter((each) => cursor === undefined || compareIds(each, cursor) > 0);
      rest.sort(compareIds);
      const page = rest.slice(0, limit);
      return {
        body: {
          workspaces: page.flatMap((workspace) => shownWorkspace({ table, config }, workspace) ?? []),
          next_cursor: rest.length > page.length ? (page.at(-1) ?? null) : null,
          total: matching.length,
        },
      };
    },
  });
}

/** In the order of lists of sessions. */
function compareIds(one: string, other: string): number {
  return compareSessions({ workspace: one, session: '' }, { workspace: other, session: '' });
}

function shownWorkspace({ table, config }: Pick<Services, 'table' | 'config'>, workspace: string) {
  const owner = table.owner(workspace);
  if (owner === undefined) return undefined;
  const sessions = [...table.sessions(workspace)].map((session) => table.shown(session));
  return {
    ...shownPlace(config, workspace, owner),
    claimed: owner.claimed,
    sessions: sessions.length,
    ready: sessions.filter(({ status }) => status === 'ready').length,
  };
}
