import { hashBase64 } from '../storage/base64.ts';
import { MediaData } from './media-data.ts';
import type { OpaqueData } from './opaque-data.ts';

/** What the library asks for. */
export interface MediaParams {
  readonly asSticker?: boolean;
  readonly asGif?: boolean;
  readonly isPtt?: boolean;
  readonly asDocument?: boolean;
}

/** What is known of the files of this page, by their hash. */
export class MediaStorage {
  readonly #objects = new Map<string, MediaObject>();

  getOrCreateMediaObject(filehash: string): MediaObject {
    const held = this.#objects.get(filehash);
    if (held) return held;
    const created = new MediaObject({ filehash, contentInfo: {} });
    this.#objects.set(filehash, created);
    return created;
  }

  /** The file has been sent: nothing here needs it any longer. */
  forget(filehash: string): void {
    this.#objects.delete(filehash);
  }
}

/** A file, whatever messages it is in. */
export class MediaObject extends MediaData {
  declare contentInfo: { readonly waveform?: Uint8Array };

  consolidate(data: object): void {
    this.set(data);
  }
}

/** `WAWebPrepRawMedia`: decides what kind of message a file becomes, and hashes it. */
export function prepRawMedia(data: OpaqueData, params: MediaParams): { waitForPrep(): Promise<MediaData> } {
  return { waitForPrep: () => prepare(data, params) };
}

async function prepare(data: OpaqueData, params: MediaParams): Promise<MediaData> {
  const blob = data.forceToBlob();
  const type = typeOf(blob.type, params);
  const size = type === 'image' ? await imageSize(blob) : {};
  return new MediaData({
    type,
    mimetype: blob.type || 'application/octet-stream',
    filehash: await hashBase64(await blob.arrayBuffer()),
    size: blob.size,
    mediaBlob: data,
    mediaStage: 'RESOLVED',
    isGif: params.asGif ?? false,
    ...(data.filename === undefined ? {} : { filename: data.filename }),
    ...size,
  });
}

function typeOf(mimetype: string, params: MediaParams): string {
  if (params.asDocument) return 'document';
  if (params.asSticker) return 'sticker';
  const [kind] = mimetype.split('/');
  if (kind === 'audio') return params.isPtt ? 'ptt' : 'audio';
  return kind === 'image' || kind === 'video' ? kind : 'document';
}

/** Pixels; nothing for what the browser cannot decode. */
async function imageSize(blob: Blob): Promise<{ width?: number; height?: number }> {
  try {
    const bitmap = await createImageBitmap(blob);
    const size = { width: bitmap.width, height: bitmap.height };
    bitmap.close();
    return size;
  } catch {
    return {};
  }
}
