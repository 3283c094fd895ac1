import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { SessionKey } from '../queue/message-ids.ts';

/** `med_` and 32 hexadecimal digits. */
export type MediaId = string;

const MEDIA_ID = /^med_[0-9a-f]{32}$/;

export const mediaIdSchema = z.string().regex(MEDIA_ID, 'must be a media_id, as med_...');

/** True for what {@link newMediaId} and {@link mediaIdOf} make; such an id is a file name anywhere. */
export function isMediaId(text: string): boolean {
  return MEDIA_ID.test(text);
}

/** An id for a file that was handed in; nobody guesses it. */
export function newMediaId(): MediaId {
  return `med_${randomBytes(16).toString('hex')}`;
}

/** The id of a received message's media: the same whoever makes it and however often, so that a file is never kept twice. */
export function mediaIdOf({ workspace, session }: SessionKey, whatsappId: string): MediaId {
  const hash = createHash('sha256').update(JSON.stringify(['media', workspace, session, whatsappId]));
  return `med_${hash.digest('hex').slice(0, 32)}`;
}

/**
 * The path of the router that hands out a received message's media, with an API key. It says which message it is of, so that media nobody
 * fetched yet needs no record of its own anywhere: the id proves that the rest of the path was not changed.
 */
export function receivedMediaPath(key: SessionKey, whatsappId: string): string {
  const query = new URLSearchParams({
    workspace_id: key.workspace,
    session_id: key.session,
    whatsapp_id: whatsappId,
  });
  return `/api/whatsapp/media/${mediaIdOf(key, whatsappId)}?${query}`;
}
