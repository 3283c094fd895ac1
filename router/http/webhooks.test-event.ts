import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { visibleWorkspace, WEBHOOK_PATH, WEBHOOK_TAG, webhookParams } from './webhooks-schemas.ts';

const testedSchema = z
  .object({
    event_id: z.string(),
    delivered: z.boolean(),
    status: z.number().int().nullable().describe('null where there was no answer'),
    took_ms: z.number().int(),
    reason: z.string().nullable().describe('Why it was not delivered'),
  })
  .meta({ id: 'TestedWebhook' });

/** POST `/api/whatsapp/workspaces/{id}/webhook/test` */
export function webhooksTestEvent({ webhooks }: Pick<Services, 'webhooks'>): RouterRoute {
  return route({
    method: 'post',
    path: `${WEBHOOK_PATH}/test`,
    tag: WEBHOOK_TAG,
    summary: 'Sends a webhook.test event once, at once, and tells what came back',
    params: webhookParams,
    query: z.strictObject({}),
    body: z.strictObject({}),
    responses: {
      200: { description: 'What came back, also where it was not delivered', schema: testedSchema },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, principal, signal }) {
      const { event, outcome } = await webhooks.test(visibleWorkspace(params, principal), signal);
      const { status, took } = outcome;
      const reason = outcome.kind === 'taken' ? null : outcome.reason;
      return {
        body: { event_id: event, delivered: outcome.kind === 'taken', status, took_ms: took, reason },
      };
    },
  });
}
