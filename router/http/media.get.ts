import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { answerWithFile } from './media-answer.ts';
import {
  MEDIA_PATH,
  mediaParams,
  mediaWorkspace,
  receivedFields,
  wantedMedia,
  workspaceOf,
} from './media-place.ts';

/** GET `/api/whatsapp/media/{media_id}` */
export function mediaGet({ mediaDesk }: Services): RouterRoute {
  return route({
    method: 'get',
    path: `${MEDIA_PATH}/:media_id`,
    tag: 'Media',
    summary: "A file: an upload, or a received message's, which is brought from WhatsApp if need be",
    params: mediaParams,
    query: z.strictObject({ ...mediaWorkspace, ...receivedFields }),
    responses: {
      200: { description: 'The file', contentTypes: ['*/*'] },
      206: { description: 'The part that Range asked for', contentTypes: ['*/*'] },
      404: {
        description: 'media_not_found: it is not there, is no longer kept, or WhatsApp no longer has it',
      },
      409: { description: 'session_not_ready: nobody fetched it yet, and its session cannot now' },
    },
    handle(exchange) {
      const workspace = workspaceOf(exchange.principal, exchange.query.workspace_id);
      return answerWithFile(
        mediaDesk,
        wantedMedia(workspace, exchange.params.media_id, exchange.query),
        exchange,
      );
    },
  });
}
