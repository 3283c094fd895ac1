import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { z } from 'zod';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import { mediaLimit } from '../../fleet/media/media-limits.ts';
import { describeUpload } from '../media/media-headers.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { MEDIA_PATH, mediaView, mediaViewSchema, mediaWorkspace, workspaceOf } from './media-place.ts';

/** POST `/api/whatsapp/media` */
export function mediaUpload({ media, config }: Services): RouterRoute {
  return route({
    method: 'post',
    path: MEDIA_PATH,
    tag: 'Media',
    summary: 'Keeps a file, for messages to name: the body is the file itself',
    query: z.strictObject(mediaWorkspace),
    rawBody: 'The file; Content-Type is its type',
    headers: {
      'X-Filename': 'The name of the file, percent-encoded where it is not ASCII',
      'Content-Digest': 'sha-256=:BASE64: (RFC 9530); a file that arrives otherwise is refused',
    },
    responses: {
      201: { description: 'It is kept', schema: mediaViewSchema },
      413: { description: 'payload_too_large: 16 MB for images, video and audio, 64 MB for all else' },
      415: { description: 'unsupported_media_type: a form, or a compressed body' },
    },
    async handle({ request, query, principal }) {
      const workspace = workspaceOf(principal, query.workspace_id);
      const description = describeUpload(request.headers);
      const limit = mediaLimit(description.mimetype);
      if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
      const body = bodyOf(request);
      try {
        const stored = await media.put(workspace, body, description, limit);
        return { status: 201, body: mediaView(stored, config.messaging.mediaRetention) };
      } catch (error) {
        // What is still on its way would otherwise stand before the next request on this connection.
        request.unpipe(body);
        request.resume();
        if (isWharfError(error, 'media_too_large')) throw tooLarge(limit);
        if (isWharfError(error, 'media_refused')) throw new WharfError('invalid_request', error.message);
        if (isWharfError(error)) throw error;
        if (!request.complete)
          throw new WharfError('invalid_request', `The upload broke off: ${messageOf(error)}.`);
        throw error;
      }
    },
  });
}

/** The body as a stream of its own: whoever sends too much gets an answer, which a destroyed request would not let through. */
function bodyOf(request: IncomingMessage): PassThrough {
  const body = new PassThrough();
  request.once('close', () => {
    if (!request.complete) body.destroy(new Error('the client went away'));
  });
  return request.pipe(body);
}

function tooLarge(limit: number): WharfError {
  return new WharfError(
    'payload_too_large',
    `The file is over the limit of ${limit} bytes for its type: 16 MB for images, video and audio, 64 MB for all else.`,
  );
}
