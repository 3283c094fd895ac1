import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { sessionDetailSchema, sessionStatusSchema } from '../../fleet/records.ts';
import { compareSessions, decodeCursor, encodeCursor, type SessionPlace } from '../registry/session-order.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { workspaceField } from './session-call.ts';

const listQuery = z.strictObject({
  ...workspaceField,
  status: sessionStatusSchema.optional(),
  limit: z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1000).default(100),
  cursor: z.string().max(300).optional().meta({ description: 'next_cursor of the page before' }),
});

const listSchema = z
  .object({
    sessions: z.array(sessionDetailSchema),
    next_cursor: z.string().nullable().describe('Gives the next page; null on the last one'),
  })
  .meta({ id: 'SessionList' });

/** GET `/api/whatsapp/sessions`, from memory: at most a moment older than what each session says of itself. */
export function sessionsList(services: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/whatsapp/sessions',
    tag: 'Sessions',
    summary: 'Lists sessions by workspace and id',
    query: listQuery,
    responses: { 200: { description: 'A page of sessions', schema: listSchema } },
    handle({ query, principal }) {
      const { table } = services;
      const own = principal.kind === 'workspace' ? principal.workspace : undefined;
      if (own !== undefined && query.workspace_id !== undefined && query.workspace_id !== own) {
        throw new WharfError('not_found', `There is no workspace ${query.workspace_id}.`);
      }
      const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
      const matching: { place: SessionPlace; session: z.infer<typeof sessionDetailSchema> }[] = [];
      for (const known of table.sessions(own ?? query.workspace_id)) {
        const place = { workspace: String(known.workspace_id), session: known.session_id };
        if (after && compareSessions(place, after) <= 0) continue;
        const session = table.shown(known);
        if (query.status === undefined || session.status === query.status) matching.push({ place, session });
      }
      matching.sort((a, b) => compareSessions(a.place, b.place));
      const page = matching.slice(0, query.limit);
      const last = page.at(-1);
      const next_cursor = last && matching.length > page.length ? encodeCursor(last.place) : null;
      return { body: { sessions: page.map((each) => each.session), next_cursor } };
    },
  });
}
