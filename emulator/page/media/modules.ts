import type { Credentials } from '../../protocol/frames.ts';
import type { ModuleTable } from '../core/registry.ts';
import { hashBase64 } from '../storage/base64.ts';
import { OpaqueData } from './opaque-data.ts';
import { type MediaObject, MediaStorage, prepRawMedia } from './prepare.ts';
import { toWebpSticker } from './sticker.ts';
import { download, type MediaEntry, upload } from './transfer.ts';

interface UploadRequest {
  readonly mediaObject: MediaObject;
  readonly mediaType: string;
}

interface DownloadRequest {
  readonly directPath: string;
  readonly filehash?: string;
  readonly signal?: AbortSignal;
}

interface StickerUpload {
  readonly blob: Blob;
  readonly type: string;
  readonly mediaKey: string;
}

/** Files on their way up and down. */
export function mediaModules(credentials: () => Credentials): ModuleTable {
  const storage = new MediaStorage();

  const uploadMedia = async ({
    mediaObject,
    mediaType,
  }: UploadRequest): Promise<{ mediaEntry: MediaEntry }> => {
    const blob = mediaObject.mediaBlob;
    if (!blob) throw new Error('upload: there are no bytes');
    const bytes = blob instanceof OpaqueData ? blob.forceToBlob() : blob;
    const mediaEntry = await upload(bytes, mediaType, credentials());
    if (mediaObject.filehash !== undefined) storage.forget(mediaObject.filehash);
    return { mediaEntry };
  };

  return {
    WAWebMediaOpaqueData: OpaqueData,
    WAWebPrepRawMedia: { prepRawMedia },
    WAWebMediaStorage: {
      getOrCreateMediaObject: (filehash: string) => storage.getOrCreateMediaObject(filehash),
    },
    WAWebMmsMediaTypes: {
      msgToMediaType: ({ type }: { readonly type: string }) => type,
      castToV4: (type: string) => type,
    },
    WAWebMediaDataUtils: { shouldUseMediaCache: () => false },
    WAWebMediaInMemoryBlobCache: { InMemoryMediaBlobCache: { put: () => undefined, get: () => undefined } },
    WAWebMediaMmsV4Upload: { uploadMedia, uploadUnencryptedMedia: uploadMedia },
    WAWebImageUtils: { toWebpSticker },
    WAWebStartMediaUploadQpl: { startMediaUploadQpl: () => ({}) },
    WAWebUploadManager: {
      encryptAndUpload: async ({ blob, type, mediaKey }: StickerUpload) => {
        const entry = await upload(blob, type, credentials());
        return { ...entry, url: entry.mmsUrl, mediaKey, mimetype: blob.type };
      },
    },
    WAWebDownloadManager: {
      downloadManager: {
        downloadAndMaybeDecrypt: ({ directPath, filehash, signal }: DownloadRequest) =>
          download(directPath, filehash, signal),
      },
    },
    WAMediaCalculateFilehash: {
      getRandomFilehash: async () => hashBase64(crypto.getRandomValues(new Uint8Array(32))),
    },
  };
}
