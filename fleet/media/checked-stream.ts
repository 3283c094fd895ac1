import { createHash } from 'node:crypto';
import { WharfError } from '../../common/errors.ts';
import { mediaTooLarge } from './media-limits.ts';
import type { MediaDescription } from './media-store.ts';

/** What passed a {@link measured} stream. */
export interface Measure {
  size: number;
  sha256: string;
}

/**
 * Passes a stream on and measures it; `done` is called at its end.
 *
 * @throws WharfError `media_too_large` beyond the limit, `media_refused` for an empty one, or one that is not as described
 */
export async function* measured(
  source: AsyncIterable<Buffer | string>,
  limit: number,
  { sha256: wanted }: MediaDescription,
  done: (measure: Measure) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of source) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
    size += chunk.length;
    if (size > limit) throw mediaTooLarge(limit);
    hash.update(chunk);
    yield chunk;
  }
  const sha256 = hash.digest('hex');
  if (size === 0) throw new WharfError('media_refused', 'The media is empty.');
  if (wanted !== undefined && wanted.toLowerCase() !== sha256) {
    throw new WharfError(
      'media_refused',
      `The media did not arrive as it was announced: its SHA-256 is ${sha256}. Send it again.`,
    );
  }
  done({ size, sha256 });
}

/**
 * Passes a stored file on, its last bytes only once all of them proved to be those that were kept.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function* verified(
  source: AsyncIterable<Buffer>,
  { size, sha256 }: Measure,
  id: string,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let seen = 0;
  let held: Buffer | undefined;
  for await (const chunk of source) {
    if (held !== undefined) yield held;
    seen += chunk.length;
    hash.update(chunk);
    held = chunk;
  }
  if (seen !== size || hash.digest('hex') !== sha256) {
    throw new WharfError(
      'storage_unavailable',
      `The file of ${id} is damaged: it has ${seen} bytes of ${size}, or others than were stored. Upload it again.`,
    );
  }
  if (held !== undefined) yield held;
}
