import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import {
  MEDIA_PATH,
  mediaParams,
  mediaWorkspace,
  receivedFields,
  wantedMedia,
  workspaceOf,
} from './media-place.ts';
import { queryText } from './session-call.ts';

const HOUR = 3600;
const WEEK = 7 * 24 * HOUR;

const linkSchema = z
  .object({
    url: z.string().describe("A path of this router's that needs no API key"),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: 'MediaLink' });

/** POST `/api/whatsapp/media/{media_id}/link` */
export function mediaLink({ mediaDesk, mediaLinks, clock }: Services): RouterRoute {
  return route({
    method: 'post',
    path: `${MEDIA_PATH}/:media_id/link`,
    tag: 'Media',
    summary: 'A link to a file that needs no key, until it expires',
    params: mediaParams,
    query: z.strictObject({ ...mediaWorkspace, ...receivedFields }),
    body: z.strictObject({
      expires_in: z.number().int().min(1).max(WEEK).default(HOUR).describe('Seconds'),
    }),
    responses: {
      201: { description: 'The link', schema: linkSchema },
      404: { description: 'media_not_found' },
    },
    async handle({ principal, params, query, body, requestId, signal }) {
      const workspace = workspaceOf(principal, query.workspace_id);
      const id = params.media_id;
      // Whoever opens it is to find the file: what is not kept yet is brought now, while there is somebody to tell.
      await mediaDesk.find(wantedMedia(workspace, id, query), { id: requestId, caller: signal });
      const expires = Math.floor(clock.now() / 1000) + body.expires_in;
      const signature = mediaLinks.sign({ workspace, id, expires });
      const link = queryText({ workspace_id: workspace, expires, signature });
      return {
        status: 201,
        body: {
          url: `${MEDIA_PATH}/${id}/shared${link}`,
          expires_at: new Date(expires * 1000).toISOString(),
        },
      };
    },
  });
}
