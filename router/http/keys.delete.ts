import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';

/** DELETE `/api/fleet/keys/{key_id}` */
export function keysDelete({ keys }: Services): RouterRoute {
  return route({
    method: 'delete',
    path: '/api/fleet/keys/:key_id',
    tag: 'API keys',
    summary: 'Revokes a key: here at once, at other routers within seconds',
    access: 'admin',
    params: z.strictObject({
      key_id: z.string().regex(/^([0-9a-f]{16}|environment)$/, 'must be the key_id of a key'),
    }),
    query: z.strictObject({}),
    responses: {
      200: {
        description: 'It is revoked',
        schema: z.object({ revoked: z.literal(true) }).meta({ id: 'RevokedApiKey' }),
      },
      409: {
        description: "invalid_state: the last admin key, the last that does not expire, or the environment's",
      },
    },
    async handle({ params }) {
      await keys.revoke(params.key_id);
      return { body: { revoked: true } };
    },
  });
}
