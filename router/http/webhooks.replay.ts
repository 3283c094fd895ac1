import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { visibleWorkspace, WEBHOOK_PATH, WEBHOOK_TAG, webhookParams } from './webhooks-schemas.ts';

const replayWebhookSchema = z
  .strictObject({
    ids: z.array(z.string().max(100)).min(1).max(1000).optional().describe('Ids of events'),
    all: z.literal(true).optional().describe('All dead letters there are now'),
  })
  .refine(({ ids, all }) => (ids === undefined) !== (all === undefined), {
    error: 'must have either "ids" or "all": true',
  })
  .meta({ id: 'ReplayWebhook' });

const replayedSchema = z
  .object({
    replayed: z.number().int(),
    unknown: z.array(z.string()).describe('Ids that are none of a dead letter'),
  })
  .meta({ id: 'ReplayedWebhook' });

/** POST `/api/whatsapp/workspaces/{id}/webhook/replay` */
export function webhooksReplay({ webhooks }: Pick<Services, 'webhooks'>): RouterRoute {
  return route({
    method: 'post',
    path: `${WEBHOOK_PATH}/replay`,
    tag: WEBHOOK_TAG,
    summary: 'Sends dead letters again, each with its old id and retried as any event',
    params: webhookParams,
    query: z.strictObject({}),
    body: replayWebhookSchema,
    responses: {
      202: { description: 'They are on their way', schema: replayedSchema },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, principal, body }) {
      const workspace = visibleWorkspace(params, principal);
      return { status: 202, body: await webhooks.replay(workspace, body.ids ?? null) };
    },
  });
}
