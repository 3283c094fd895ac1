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

/** Milliseconds for which an upload counts as new, the clocks of two hosts apart counted in. */
const NEW_FOR = 60_000;

/**
 * An id for a file that was handed in: its time, and ten random bytes, so that nobody guesses it.
 *
 * @param now milliseconds since 1970
 */
export function newMediaId(now = Date.now()): MediaId {
  return `med_${now.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
}

/** Whether an id was made a moment ago, by whatever host: then the file may be there though it is not seen yet. */
export function isNewMediaId(id: MediaId, now: number): boolean {
  return isMediaId(id) && Math.abs(now - Number.parseInt(id.slice(4, 16), 16)) < NEW_FOR;
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
