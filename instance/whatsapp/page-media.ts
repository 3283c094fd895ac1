import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { LARGEST_MEDIA, mediaTooLarge } from '../../fleet/media/media-limits.ts';
import type { ReceivedMedia } from './client.ts';

/** Bytes of one reading: three are four characters of base64, so that pieces can be decoded one by one. */
const SLICE = 3 * 256 * 1024;

/** Milliseconds after which the page forgets a file that nobody went on reading. */
const KEPT = 120_000;

/** Evaluates an expression in the page, within a time. */
export type Evaluate = (expression: string, milliseconds: number) => Promise<unknown>;

const downloadSchema = z.union([
  z.object({ gone: z.literal(true) }),
  z.object({ tooLarge: z.number() }),
  z.object({ failed: z.string() }),
  z.object({
    size: z.number().int().nonnegative(),
    mimetype: z.string().nullable(),
    filename: z.string().nullable(),
  }),
]);

/**
 * Has the page fetch a message's media from WhatsApp, and reads it out of the page piece by piece. The library does the same in one piece: its
 * answer to 16 MB is 22 MB of base64 in one message, several times over in this process. The steps in the page are the library's own
 * (`Message.downloadMedia`).
 *
 * @param timeouts milliseconds for the download and for reading a piece
 * @throws WharfError `media_not_found` where there is no such message, or WhatsApp no longer has the file; `media_too_large`, since a phone may
 *   send gigabytes and the page holds a file whole; `media_unreachable` where trying again may help
 */
export async function downloadFromPage(
  evaluate: Evaluate,
  whatsappId: string,
  timeouts: { download: number; read: number },
): Promise<ReceivedMedia> {
  const key = randomBytes(8).toString('hex');
  const answer = downloadSchema.parse(
    await evaluate(
      `(${DOWNLOAD})(${JSON.stringify([whatsappId, key, KEPT, LARGEST_MEDIA])})`,
      timeouts.download,
    ),
  );
  if ('gone' in answer) {
    throw new WharfError(
      'media_not_found',
      "WhatsApp no longer has this message's media, or the session's history does not have the message.",
    );
  }
  if ('tooLarge' in answer) throw mediaTooLarge(LARGEST_MEDIA);
  if ('failed' in answer) {
    throw new WharfError(
      'media_unreachable',
      `WhatsApp did not give the media of this message (${answer.failed.slice(0, 200)}). Try again later.`,
      { retryAfter: 30 },
    );
  }
  const { size, mimetype, filename } = answer;
  const stream = Readable.from(slices(evaluate, key, size, timeouts.read), { objectMode: false });
  return { mimetype, filename, size, stream };
}

async function* slices(
  evaluate: Evaluate,
  key: string,
  size: number,
  milliseconds: number,
): AsyncGenerator<Buffer> {
  try {
    for (let at = 0; at < size; at += SLICE) {
      const text = await evaluate(`(${READ})(${JSON.stringify([key, at, SLICE, KEPT])})`, milliseconds);
      if (typeof text !== 'string')
        throw new WharfError('media_unreachable', 'The page was loaded anew meanwhile.');
      yield Buffer.from(text, 'base64');
    }
  } finally {
    // A page that is gone has forgotten it.
    await evaluate(`window.wharfMedia?.delete(${JSON.stringify(key)})`, milliseconds).catch(() => {});
  }
}

/** Forgets a file some time after it was last asked for, should its reader be gone. */
const KEEP = `(key, kept) => {
  const entry = window.wharfMedia.get(key);
  clearTimeout(entry.timer);
  entry.timer = setTimeout(() => window.wharfMedia.delete(key), kept);
}`;

const DOWNLOAD = `async ([id, key, kept, limit]) => {
  const { Msg } = window.require('WAWebCollections');
  const message = Msg.get(id) ?? (await Msg.getMessagesById([id]))?.messages?.[0];
  if (!message?.mediaData) return { gone: true };
  if (message.size > limit) return { tooLarge: message.size };
  const data = message.mediaData;
  if (data.mediaStage === 'REUPLOADING') return { failed: 'the phone is asked to upload it again' };
  if (data.mediaStage !== 'RESOLVED') await message.downloadMedia({ downloadEvenIfExpensive: true, rmrReason: 1 });
  if (data.mediaStage === 'ERROR_MISSING') return { gone: true };
  if (data.mediaStage.includes('ERROR') || data.mediaStage === 'FETCHING' || data.mediaStage === 'REUPLOADING')
    return { failed: data.mediaStage };
  const annotations = { addAnnotations: () => annotations, addPoint: () => annotations };
  try {
    const bytes = await window.require('WAWebDownloadManager').downloadManager.downloadAndMaybeDecrypt({
      directPath: message.directPath,
      encFilehash: message.encFilehash,
      filehash: message.filehash,
      mediaKey: message.mediaKey,
      mediaKeyTimestamp: message.mediaKeyTimestamp,
      type: message.type,
      signal: new AbortController().signal,
      downloadQpl: annotations,
    });
    window.wharfMedia ??= new Map();
    window.wharfMedia.set(key, { bytes });
    (${KEEP})(key, kept);
    const text = (value) => (typeof value === 'string' && value !== '' ? value : null);
    return { size: bytes.byteLength, mimetype: text(message.mimetype), filename: text(message.filename) };
  } catch (error) {
    return error?.status === 404 || error?.status === 410 ? { gone: true } : { failed: String(error?.message ?? error) };
  }
}`;

const READ = `async ([key, at, length, kept]) => {
  const entry = window.wharfMedia?.get(key);
  if (!entry) return null;
  (${KEEP})(key, kept);
  return await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([new Uint8Array(entry.bytes, at, Math.min(length, entry.bytes.byteLength - at))]));
  });
}`;
