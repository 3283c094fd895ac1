import type { Duplex } from 'node:stream';

/** How objects are compressed in the store. Streams of any length, in bounded memory. */
export interface Codec {
  /** The end of the keys of objects that it compressed, such as `gz`. */
  readonly suffix: string;
  compress(): Duplex;
  /** Fails with whatever error where it meets what it cannot read, or an end too early. */
  decompress(): Duplex;
}
