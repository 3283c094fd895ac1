import type { Clock } from '../../common/clock.ts';

/** The least that must come in a time: what is slower is held for hung. */
export interface Pace {
  bytes: number;
  /** Milliseconds that were spent waiting for bytes; those for whoever reads them do not count. */
  time: number;
}

/** 64 KB in 30 s: a line that slow cannot carry backups anyway. */
export const PACE: Pace = { bytes: 64 * 1024, time: 30_000 };

/** The chunks of a stream. Throws where they come slower than that. */
export async function* pacedChunks(
  source: AsyncIterable<Buffer>,
  pace: Pace,
  clock: Pick<Clock, 'monotonic'>,
): AsyncGenerator<Buffer> {
  let waited = 0;
  let bytes = 0;
  let asked = clock.monotonic();
  for await (const chunk of source) {
    waited += clock.monotonic() - asked;
    bytes += chunk.length;
    if (waited > pace.time) {
      if (bytes < pace.bytes) throw new Error(`only ${bytes} bytes came in ${Math.round(waited / 1000)} s`);
      waited = 0;
      bytes = 0;
    }
    yield chunk;
    asked = clock.monotonic();
  }
}
