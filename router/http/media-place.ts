import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { sessionIdSchema, workspaceIdSchema } from '../../fleet/ids.ts';
import { mediaIdSchema } from '../../fleet/media/media-ids.ts';
import type { StoredMedia } from '../../fleet/media/media-store.ts';
import { receivedMediaQuerySchema, storedMediaSchema } from '../../fleet/media/received-media.ts';
import type { WantedMedia } from '../media/media-desk.ts';
import type { Principal } from '../principal.ts';

export const MEDIA_PATH = '/api/whatsapp/media';

export const mediaParams = z.strictObject({ media_id: mediaIdSchema });

/** `?workspace_id=`, which an admin has to give. */
export const mediaWorkspace = {
  workspace_id: workspaceIdSchema
    .optional()
    .meta({ description: 'Whose file it is; needed with an admin key' }),
};

/** Which message a file came with: part of the `url` of an event. Needed where nobody fetched it from WhatsApp yet. */
export const receivedFields = {
  session_id: sessionIdSchema.optional(),
  whatsapp_id: receivedMediaQuerySchema.shape.whatsapp_id.optional(),
};

/** A file as the API shows it. */
export const mediaViewSchema = storedMediaSchema
  .omit({ stored_at: true })
  .extend({ expires_at: z.iso.datetime().describe('Until when it is kept') })
  .meta({ id: 'Media' });

/** @param retention milliseconds that files are kept */
export function mediaView(
  { stored_at, ...media }: StoredMedia,
  retention: number,
): z.infer<typeof mediaViewSchema> {
  return { ...media, expires_at: new Date(Date.parse(stored_at) + retention).toISOString() };
}

/**
 * Whose files a caller means.
 *
 * @throws WharfError `invalid_request` for an admin who does not say; `media_not_found` for a workspace that is not the key's
 */
export function workspaceOf(principal: Principal, named: string | undefined): string {
  if (principal.kind === 'workspace') {
    if (named === undefined || named === principal.workspace) return principal.workspace;
    throw new WharfError('media_not_found', 'There is no such media, or it is no longer kept.');
  }
  if (named !== undefined) return named;
  const message = 'is needed with an admin key: files are of a workspace';
  throw new WharfError('invalid_request', `query.workspace_id: ${message}`, {
    faults: [{ path: 'query.workspace_id', message }],
  });
}

/** The file a caller wants, from the path and query that {@link receivedFields} are part of. */
export function wantedMedia(
  workspace: string,
  id: string,
  query: { session_id?: string | undefined; whatsapp_id?: string | undefined },
): WantedMedia {
  const { session_id: session, whatsapp_id: whatsappId } = query;
  return {
    workspace,
    id,
    received: session === undefined || whatsappId === undefined ? null : { session, whatsappId },
  };
}
