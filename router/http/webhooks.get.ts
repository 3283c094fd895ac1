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

/** GET `/api/whatsapp/workspaces/{id}/webhook` */
export function webhooksGet({ webhooks, clock }: Pick<Services, 'webhooks' | 'clock'>): RouterRoute {
  return route({
    method: 'get',
    path: WEBHOOK_PATH,
    tag: WEBHOOK_TAG,
    summary: 'The webhook of a workspace, and how its receiver does',
    params: webhookParams,
    query: z.strictObject({}),
    responses: {
      200: { description: 'The webhook', schema: webhookSchema },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, principal }) {
      return { body: shownWebhook(await webhooks.view(visibleWorkspace(params, principal)), clock.now()) };
    },
  });
}
