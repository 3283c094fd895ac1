import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { visibleWorkspace, WEBHOOK_PATH, WEBHOOK_TAG, webhookParams } from './webhooks-schemas.ts';

/** DELETE `/api/whatsapp/workspaces/{id}/webhook` */
export function webhooksDelete({ webhooks }: Pick<Services, 'webhooks'>): RouterRoute {
  return route({
    method: 'delete',
    path: WEBHOOK_PATH,
    tag: WEBHOOK_TAG,
    summary: 'Removes the webhook, with what was not delivered and its dead letters',
    params: webhookParams,
    query: z.strictObject({}),
    responses: {
      200: {
        description: 'It is removed',
        schema: z.object({ removed: z.literal(true) }).meta({ id: 'RemovedWebhook' }),
      },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, principal }) {
      await webhooks.remove(visibleWorkspace(params, principal));
      return { body: { removed: true } };
    },
  });
}
