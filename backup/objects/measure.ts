import { createHash } from 'node:crypto';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';

/** Counts and hashes bytes that pass. */
export class Measure {
  readonly #hash = createHash('sha256');
  size = 0;

  add(chunk: Buffer): void {
    this.size += chunk.length;
    this.#hash.update(chunk);
  }

  /** What passed. Once. */
  end(): ObjectRef {
    return { size: this.size, sha256: this.#hash.digest('hex') };
  }
}
