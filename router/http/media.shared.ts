import { z } from 'zod';
import { workspaceIdSchema } from '../../fleet/ids.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { answerWithFile } from './media-answer.ts';
import { MEDIA_PATH, mediaParams } from './media-place.ts';

/** GET `/api/whatsapp/media/{media_id}/shared` */
export function mediaShared({ mediaDesk, mediaLinks }: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${MEDIA_PATH}/:media_id/shared`,
    tag: 'Media',
    summary: 'A file by a link that was made for it; the link is the permission',
    access: 'open',
    params: mediaParams,
    query: z.strictObject({
      workspace_id: workspaceIdSchema,
      expires: z.coerce.number().int().positive(),
      signature: z.string().max(100),
    }),
    responses: {
      200: { description: 'The file', contentTypes: ['*/*'] },
      206: { description: 'The part that Range asked for', contentTypes: ['*/*'] },
      403: { description: 'forbidden: the link was changed' },
      404: { description: 'media_not_found' },
      410: { description: 'link_expired' },
    },
    handle(exchange) {
      const { workspace_id: workspace, expires, signature } = exchange.query;
      const id = exchange.params.media_id;
      mediaLinks.verify({ workspace, id, expires }, signature);
      return answerWithFile(mediaDesk, { workspace, id, received: null }, exchange);
    },
  });
}
