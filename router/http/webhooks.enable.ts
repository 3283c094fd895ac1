import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import {
  shownWebhook,
  visibleWorkspace,
  WEBHOOK_PATH,
  WEBHOOK_TAG,
  webhookParams,
  webhookSchema,
} from './webhooks-schemas.ts';

/** POST `/api/whatsapp/workspaces/{id}/webhook/enable` */
export function webhooksEnable({ webhooks, clock }: Pick<Services, 'webhooks' | 'clock'>): RouterRoute {
  return route({
    method: 'post',
    path: `${WEBHOOK_PATH}/enable`,
    tag: WEBHOOK_TAG,
    summary: 'Goes on delivering where a 410 ended it; what waits for another try is tried at once',
    params: webhookParams,
    query: z.strictObject({}),
    body: z.strictObject({}),
    responses: {
      200: { description: 'The webhook', schema: webhookSchema },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, principal }) {
      return { body: shownWebhook(await webhooks.enable(visibleWorkspace(params, principal)), clock.now()) };
    },
  });
}
