import { z } from 'zod';
import { showWorkspaceId } from '../../fleet/ids.ts';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

const eventsSchema = z
  .object({
    router: z.string().describe('The router that tells'),
    leader: z.string().nullable(),
    events: z.array(
      z.object({
        at: z.iso.datetime(),
        kind: z.enum(['instance', 'takeover', 'move', 'freeze', 'quarantine', 'leader', 'redis', 'operator']),
        instance: z.string().nullable(),
        workspace_id: shownWorkspaceIdSchema.nullable(),
        text: z.string(),
      }),
    ),
  })
  .meta({ id: 'FleetEventList' });

/** GET `/api/fleet/events` */
export function fleetEventsList({ operations }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/events',
    tag: 'Fleet',
    summary: 'What happened to the fleet and why, as this router saw it: the last two hundred, oldest first',
    access: 'admin',
    query: z.strictObject({
      limit: z.coerce
        .number('must be a whole number from 1 to 200')
        .int()
        .min(1)
        .max(200)
        .default(200)
        .describe('The newest so many'),
    }),
    responses: { 200: { description: 'The story', schema: eventsSchema } },
    handle({ query: { limit } }) {
      const { router, leader } = operations.status();
      const events = operations.events().slice(-limit);
      return {
        body: {
          router,
          leader,
          events: events.map(({ workspace, ...event }) => ({
            ...event,
            workspace_id: workspace === null ? null : showWorkspaceId(workspace),
          })),
        },
      };
    },
  });
}
