import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { keySchema, shownKey } from './key-shape.ts';

/** GET `/api/fleet/keys/own` */
export function keysOwn({ keys }: Pick<Services, 'keys'>): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/keys/own',
    tag: 'API keys',
    summary: 'The key that this request came with: whose it is, and what it may',
    query: z.strictObject({}),
    responses: { 200: { description: 'The key, without its secret', schema: keySchema } },
    handle({ principal }) {
      const info = principal.kind === 'anyone' ? undefined : keys.infoOf(principal.keyId);
      if (info === undefined)
        throw new WharfError('unauthorized', 'This API key was revoked, or expired, a moment ago.');
      return { body: shownKey(info) };
    },
  });
}
