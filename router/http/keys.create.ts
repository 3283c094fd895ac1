import { z } from 'zod';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { keySchema, shownKey } from './key-shape.ts';

const createKeySchema = z
  .strictObject({
    workspace_id: workspaceIdSchema.optional().meta({ description: 'Whose key; without it, an admin key' }),
    name: z.string().min(1).max(100).optional(),
    expires_at: z.iso.datetime().optional().meta({
      description: 'From then on it is refused with 401; without it, it is good until it is revoked',
    }),
  })
  .meta({ id: 'CreateApiKey' });

/** POST `/api/fleet/keys` */
export function keysCreate({ keys }: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/fleet/keys',
    tag: 'API keys',
    summary: 'Makes a key; it is shown this once',
    access: 'admin',
    query: z.strictObject({}),
    body: createKeySchema,
    responses: {
      201: {
        description: 'The key',
        schema: keySchema.extend({ key: z.string() }).meta({ id: 'NewApiKey' }),
      },
    },
    async handle({ body }) {
      const { key, info } = await keys.create(
        body.workspace_id ?? null,
        body.name ?? null,
        body.expires_at ?? null,
      );
      return { status: 201, body: { ...shownKey(info), key }, headers: { 'Cache-Control': 'no-store' } };
    },
  });
}
