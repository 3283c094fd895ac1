import { WharfError } from '../../common/errors.ts';

const MB = 1024 * 1024;

/** What WhatsApp shows in a chat, an image, a video, a voice message, may have 16 MB. */
const SHOWN_LIMIT = 16 * MB;

/**
 * WhatsApp takes documents of 100 MB and more; but the library hands a file to its browser as base64 in one message, of which Chromium's
 * DevTools take 100 MB. 64 MB of bytes are 86 MB of that.
 */
const DOCUMENT_LIMIT = 64 * MB;

/** Bytes that a file of this type may have. */
export function mediaLimit(mimetype: string): number {
  return /^(image|video|audio)\//i.test(mimetype) ? SHOWN_LIMIT : DOCUMENT_LIMIT;
}

/** Bytes of the largest file there is. */
export const LARGEST_MEDIA = DOCUMENT_LIMIT;

/** The error for a file over its limit. */
export function mediaTooLarge(limit: number): WharfError {
  return new WharfError(
    'media_too_large',
    `The media is too large: ${limit} bytes (${Math.floor(limit / MB)} MB) are the limit for its type.`,
  );
}
