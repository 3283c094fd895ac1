import { pipeline, Readable } from 'node:stream';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';
import type { Codec } from './codec.ts';
import { Measure } from './measure.ts';

/**
 * Compresses what an object is to hold. Ends well only where that was what its name says.
 *
 * @throws WharfError `backup_damaged`; whatever the content fails with
 */
export async function* compressed(
  content: Readable | Buffer,
  ref: ObjectRef,
  codec: Codec,
): AsyncGenerator<Buffer> {
  const stream = codec.compress();
  const source = Readable.from(measured(Buffer.isBuffer(content) ? [content] : content, ref), {
    objectMode: false,
  });
  pipeline(source, stream, noted);
  try {
    yield* stream;
  } finally {
    source.destroy();
  }
}

/**
 * What an object holds, from what is stored of it. Ends well only where it is whole.
 *
 * @param key for the error
 * @throws WharfError `backup_damaged`; whatever the store fails with
 */
export async function* decompressed(
  stored: Readable,
  ref: ObjectRef,
  codec: Codec,
  key: string,
): AsyncGenerator<Buffer> {
  const stream = codec.decompress();
  // Each of the two is ended with the other's error: who failed first is to blame.
  let fault = stored.errored;
  stored.once('error', (error) => {
    if (stream.errored === null) fault = error;
  });
  pipeline(stored, stream, noted);
  try {
    yield* measured(stream, ref);
  } catch (error) {
    if (fault !== null) throw fault;
    const why = isWharfError(error) ? error.message : `it cannot be decompressed (${messageOf(error)}).`;
    throw new WharfError('backup_damaged', `The object ${key} is damaged: ${why}`, { cause: error });
  } finally {
    stored.destroy();
  }
}

/** Whoever reads the last stream is told what failed. */
function noted(): void {}

/** Passes bytes on, and fails before the end where they are not those of the object. */
async function* measured(source: AsyncIterable<Buffer> | Buffer[], ref: ObjectRef): AsyncGenerator<Buffer> {
  const measure = new Measure();
  for await (const chunk of source) {
    measure.add(chunk);
    // Little that was compressed may become very much.
    if (measure.size > ref.size)
      throw new WharfError('backup_damaged', `it holds more than ${ref.size} bytes.`);
    yield chunk;
  }
  const { size, sha256 } = measure.end();
  if (size < ref.size) throw new WharfError('backup_damaged', `it holds ${size} bytes of ${ref.size}.`);
  if (sha256 !== ref.sha256)
    throw new WharfError('backup_damaged', 'it holds other bytes than its name says.');
}
