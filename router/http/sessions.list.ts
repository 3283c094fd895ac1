import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { type SessionDetail, sessionDetailSchema, sessionStatusSchema } from '../../fleet/records.ts';
import { compareSessions, decodeCursor, encodeCursor, type SessionPlace } from '../registry/session-order.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { instanceIdSchema } from './fleet-schemas.ts';
import { workspaceField } from './session-call.ts';

const listQuery = z.strictObject({
  ...workspaceField,
  status: sessionStatusSchema.optional(),
  instance: instanceIdSchema.optional(),
  q: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'Part of the session id, workspace id, account id or phone number' }),
  limit: z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1000).default(100),
  cursor: z.string().max(300).optional().meta({ description: 'next_cursor of the page before' }),
});

const count = z.number().int();

const listSchema = z
  .object({
    sessions: z.array(sessionDetailSchema),
    next_cursor: z.string().nullable().describe('Gives the next page; null on the last one'),
    total: count.describe('Sessions that were asked for, on this page or not'),
    by_status: z
      .partialRecord(sessionStatusSchema, count)
      .describe('How many there would be of each status, had the query named none'),
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
      const isLookedFor = lookFor(query.q);
      const by_status: z.infer<typeof listSchema>['by_status'] = {};
      const rest: { place: SessionPlace; session: SessionDetail }[] = [];
      for (const known of table.sessions(own ?? query.workspace_id)) {
        if (query.instance !== undefined && known.instance !== query.instance) continue;
        if (!isLookedFor(known)) continue;
        const session = table.shown(known);
        by_status[session.status] = (by_status[session.status] ?? 0) + 1;
        if (query.status !== undefined && session.status !== query.status) continue;
        const place = { workspace: String(known.workspace_id), session: known.session_id };
        if (after === undefined || compareSessions(place, after) > 0) rest.push({ place, session });
      }
      rest.sort((a, b) => compareSessions(a.place, b.place));
      const page = rest.slice(0, query.limit);
      const last = page.at(-1);
      const next_cursor = last && rest.length > page.length ? encodeCursor(last.place) : null;
      const sessions = page.map((each) => each.session);
      return { body: { sessions, next_cursor, total: totalOf(by_status, query.status), by_status } };
    },
  });
}

/** Whether a session has this text in one of its names; a phone number may be written as people do. */
function lookFor(text: string | undefined): (session: SessionDetail) => boolean {
  if (text === undefined) return () => true;
  const wanted = text.toLowerCase();
  const digits = /^\+?[\d\s()-]{3,}$/.test(text) ? text.replace(/\D/g, '') : undefined;
  return ({ session_id, workspace_id, account_id, phone_number }) =>
    session_id.toLowerCase().includes(wanted) ||
    String(workspace_id).toLowerCase().includes(wanted) ||
    (account_id?.toLowerCase().includes(wanted) ?? false) ||
    (digits !== undefined && (phone_number?.includes(digits) ?? false));
}

function totalOf(
  byStatus: z.infer<typeof listSchema>['by_status'],
  status: z.infer<typeof sessionStatusSchema> | undefined,
): number {
  if (status !== undefined) return byStatus[status] ?? 0;
  return Object.values(byStatus).reduce((sum, number) => sum + number, 0);
}
