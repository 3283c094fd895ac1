import type { Credentials } from '../../protocol/frames.ts';
import type { UploadResult } from '../../protocol/messages.ts';
import { encodeBase64, hashBase64, randomBytes } from '../storage/base64.ts';

/** What the library keeps of an upload. */
export interface MediaEntry {
  readonly mmsUrl: string;
  readonly deprecatedMms3Url: string;
  readonly directPath: string;
  readonly mediaKey: string;
  readonly mediaKeyTimestamp: number;
  readonly encFilehash: string;
  readonly uploadHash: string;
  readonly sidecar: undefined;
  readonly firstFrameSidecar: undefined;
  readonly handle: null;
}

/** An HTTP answer of the media host that was not a success; the library looks at `status`. */
class MediaError extends Error {
  override readonly name = 'HttpStatusCodeError';
  readonly status: number;

  constructor(operation: string, status: number) {
    super(`${operation}: the media host answered ${status}`);
    this.status = status;
  }
}

export async function upload(blob: Blob, type: string, credentials: Credentials): Promise<MediaEntry> {
  const answer = await fetch(`/mms/${type}`, {
    method: 'POST',
    body: blob,
    headers: { Authorization: `${credentials.device} ${credentials.secret}` },
  });
  if (!answer.ok) throw new MediaError('upload', answer.status);
  const { directPath, filehash } = (await answer.json()) as UploadResult;
  const url = `${location.origin}${directPath}`;
  return {
    mmsUrl: url,
    deprecatedMms3Url: url,
    directPath,
    mediaKey: encodeBase64(randomBytes(32)),
    mediaKeyTimestamp: Math.floor(Date.now() / 1000),
    encFilehash: filehash,
    uploadHash: filehash,
    sidecar: undefined,
    firstFrameSidecar: undefined,
    handle: null,
  };
}

/** @throws MediaError (404: it has expired), and Error when the bytes are not what the hash says. */
export async function download(
  directPath: string,
  filehash: string | undefined,
  signal?: AbortSignal,
): Promise<ArrayBuffer> {
  const answer = await fetch(directPath, signal ? { signal } : {});
  if (!answer.ok) throw new MediaError('download', answer.status);
  const bytes = await answer.arrayBuffer();
  if (filehash && (await hashBase64(bytes)) !== filehash) {
    throw new Error(`download: the bytes of ${directPath} do not have the hash the message names`);
  }
  return bytes;
}
