import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { MEDIA_PATH, mediaParams, mediaWorkspace, workspaceOf } from './media-place.ts';

/** DELETE `/api/whatsapp/media/{media_id}` */
export function mediaDelete({ media }: Services): RouterRoute {
  return route({
    method: 'delete',
    path: `${MEDIA_PATH}/:media_id`,
    tag: 'Media',
    summary: 'Removes a file; messages that name it and were not sent yet will fail',
    params: mediaParams,
    query: z.strictObject(mediaWorkspace),
    responses: {
      200: {
        description: 'Whether it was there',
        schema: z.object({ removed: z.boolean() }).meta({ id: 'RemovedMedia' }),
      },
    },
    async handle({ principal, params, query }) {
      const workspace = workspaceOf(principal, query.workspace_id);
      return { body: { removed: await media.remove(workspace, params.media_id) } };
    },
  });
}
