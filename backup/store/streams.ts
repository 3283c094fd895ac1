import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';

/**
 * A stream of bytes that come from `content`; ended by the signal with its reason.
 *
 * @param release called once at the end, also where nobody began to read
 */
export function streamOf(
  content: AsyncIterable<Buffer>,
  release: () => void,
  signal?: AbortSignal,
): Readable {
  const stream = Readable.from(content, { objectMode: false });
  stream.once('close', release);
  endWith(stream, signal);
  return stream;
}

/** Ends a stream with the signal's reason when that is aborted; also where nobody listens to its errors yet, which would end the process. */
export function endWith(stream: Readable, signal: AbortSignal | undefined): void {
  stream.on('error', () => {});
  if (signal === undefined) return;
  expectMany(signal);
  const end = () => void stream.destroy(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', end));
}

/** One signal ends all that a run or a restore has under way: that so many listen to it is no leak, and no warning of Node's. */
export function expectMany(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
