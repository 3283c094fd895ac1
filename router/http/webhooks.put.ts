import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { wantedEventsSchema } from '../webhooks/record.ts';
import {
  secretSchema,
  shownWithSecret,
  visibleWorkspace,
  WEBHOOK_PATH,
  WEBHOOK_TAG,
  webhookParams,
  webhookWithSecretSchema,
} from './webhooks-schemas.ts';

const putWebhookSchema = z
  .strictObject({
    url: z.string().max(2000).describe('http or https; redirects are not followed'),
    events: wantedEventsSchema.default(['*']).describe('Types of events, or ["*"] for all'),
    secret: secretSchema
      .optional()
      .describe(
        'Replaces all secrets at once. Without it those there are stay, and one is made where there is none',
      ),
  })
  .meta({ id: 'PutWebhook' });

/** PUT `/api/whatsapp/workspaces/{id}/webhook` */
export function webhooksPut({ webhooks, clock }: Pick<Services, 'webhooks' | 'clock'>): RouterRoute {
  return route({
    method: 'put',
    path: WEBHOOK_PATH,
    tag: WEBHOOK_TAG,
    summary:
      "Sets a workspace's webhook: its events are sent there, signed, from now on; also before its first session",
    params: webhookParams,
    query: z.strictObject({}),
    body: putWebhookSchema,
    responses: {
      200: { description: 'It is changed, and enabled', schema: webhookWithSecretSchema },
      201: {
        description: 'It is set; a secret that was made is shown this once',
        schema: webhookWithSecretSchema,
      },
      503: { description: 'queue_unavailable or storage_unavailable' },
    },
    async handle({ params, principal, body }) {
      const set = await webhooks.set(visibleWorkspace(params, principal), body);
      return { status: set.created ? 201 : 200, body: shownWithSecret(set, clock.now()) };
    },
  });
}
