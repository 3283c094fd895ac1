import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { keySchema, shownKey } from './key-shape.ts';

/** GET `/api/fleet/keys` */
export function keysList({ keys }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/keys',
    tag: 'API keys',
    summary: 'Lists the keys, without their secrets',
    access: 'admin',
    query: z.strictObject({}),
    responses: {
      200: {
        description: 'The keys',
        schema: z.object({ keys: z.array(keySchema) }).meta({ id: 'ApiKeyList' }),
      },
    },
    async handle() {
      return { body: { keys: (await keys.list()).map(shownKey) } };
    },
  });
}
