import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { shownReceiver, webhookSummarySchema } from './webhooks-schemas.ts';

const listSchema = z.object({ webhooks: z.array(webhookSummarySchema) }).meta({ id: 'WebhookList' });

/** GET `/api/fleet/webhooks` */
export function fleetWebhooksList({ webhooks }: Pick<Services, 'webhooks'>): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/webhooks',
    tag: 'Fleet',
    summary: 'All webhooks, and how their receivers do',
    access: 'admin',
    query: z.strictObject({}),
    responses: { 200: { description: 'The webhooks, by workspace', schema: listSchema } },
    async handle() {
      return { body: { webhooks: (await webhooks.list()).map(shownReceiver) } };
    },
  });
}
