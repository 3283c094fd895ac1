import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import {
  deadLetterSchema,
  shownLetter,
  visibleWorkspace,
  WEBHOOK_PATH,
  WEBHOOK_TAG,
  webhookParams,
} from './webhooks-schemas.ts';

const listQuery = z.strictObject({
  limit: z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1000).default(100),
  cursor: z
    .string()
    .regex(/^\d{1,16}$/, 'must be the next_cursor of a page')
    .optional()
    .meta({ description: 'next_cursor of the page before' }),
});

const listSchema = z
  .object({
    dead_letters: z.array(deadLetterSchema),
    next_cursor: z.string().nullable().describe('Gives the next page; null on the last one'),
  })
  .meta({ id: 'DeadLetterList' });

/** GET `/api/whatsapp/workspaces/{id}/webhook/dead-letters` */
export function webhooksDeadLetters({ webhooks }: Pick<Services, 'webhooks'>): RouterRoute {
  return route({
    method: 'get',
    path: `${WEBHOOK_PATH}/dead-letters`,
    tag: WEBHOOK_TAG,
    summary: 'Events that were given up, oldest first; without what they carry',
    params: webhookParams,
    query: listQuery,
    responses: {
      200: { description: 'A page of dead letters', schema: listSchema },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, query, principal }) {
      const workspace = visibleWorkspace(params, principal);
      const { letters, next } = await webhooks.deadLetters(workspace, query.cursor ?? null, query.limit);
      return { body: { dead_letters: letters.map(shownLetter), next_cursor: next } };
    },
  });
}
