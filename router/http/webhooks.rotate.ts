import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import {
  secretSchema,
  shownWithSecret,
  visibleWorkspace,
  WEBHOOK_PATH,
  WEBHOOK_TAG,
  webhookParams,
  webhookWithSecretSchema,
} from './webhooks-schemas.ts';

const HOUR = 3_600_000;

const rotateWebhookSchema = z
  .strictObject({
    secret: secretSchema.optional().describe('The new secret; without it one is made'),
    keep_hours: z
      .number()
      .min(0)
      .max(168)
      .default(24)
      .describe('How long the secrets before it sign too; 0: they end at once'),
  })
  .meta({ id: 'RotateWebhook' });

/** POST `/api/whatsapp/workspaces/{id}/webhook/rotate` */
export function webhooksRotate({ webhooks, clock }: Pick<Services, 'webhooks' | 'clock'>): RouterRoute {
  return route({
    method: 'post',
    path: `${WEBHOOK_PATH}/rotate`,
    tag: WEBHOOK_TAG,
    summary: 'Begins to sign with a new secret, for a while also with those before',
    params: webhookParams,
    query: z.strictObject({}),
    body: rotateWebhookSchema,
    responses: {
      200: {
        description: 'The webhook; a secret that was made is shown this once',
        schema: webhookWithSecretSchema,
      },
      404: { description: 'webhook_not_found' },
    },
    async handle({ params, principal, body }) {
      const workspace = visibleWorkspace(params, principal);
      const rotated = await webhooks.rotate(workspace, body.secret, body.keep_hours * HOUR);
      return { body: shownWithSecret(rotated, clock.now()) };
    },
  });
}
