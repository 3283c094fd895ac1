import { createHash, type Hash } from 'node:crypto';
import { cutFile, pieceSize } from '../../fleet/backup/pieces.ts';
import type { CopiedFile, ObjectRef } from '../../fleet/backup/session-copy.ts';
import type { Scratch, TailPlace } from './scratch.ts';

/** So many bytes of a file's end are remembered, to know it again. */
const END = 4096;

/** A file as it was copied, and where its tail lies. */
export interface KeptFile {
  file: CopiedFile;
  tail: TailPlace;
}

/** One file's bytes, given in their order: cut into pieces, which are kept as they are full, and hashed. One that grows may go on growing after {@link FileContent.keep}. */
export class FileContent {
  readonly #path: string;
  readonly #scratch: Scratch;
  readonly #pieceSize: number;
  /** Undefined where the file is one piece, whose hash is its own. */
  readonly #whole: Hash | undefined;
  readonly #pieces: ObjectRef[] = [];
  #filling: Uint8Array[] = [];
  #piece = createHash('sha256');
  #filled = 0;
  #size = 0;
  #end: Uint8Array = Buffer.alloc(0);

  /** @param expected the size of a file that does not grow, bytes */
  constructor(path: string, scratch: Scratch, expected?: number) {
    this.#path = path;
    this.#scratch = scratch;
    this.#pieceSize = pieceSize(path);
    const cut = expected === undefined ? undefined : cutFile(path, expected);
    this.#whole = cut?.pieces.length === 1 && cut.tail === 0 ? undefined : createHash('sha256');
  }

  /** Bytes that it was given. */
  get size(): number {
    return this.#size;
  }

  /** The last bytes that it was given. */
  get end(): Uint8Array {
    return this.#end;
  }

  /** Takes the next bytes; they must not change after. Throws WharfError `storage_unavailable`. */
  async take(bytes: Uint8Array): Promise<void> {
    this.#whole?.update(bytes);
    this.#size += bytes.length;
    const end = bytes.subarray(-END);
    this.#end = end.length === END ? end : Buffer.concat([this.#end, end]).subarray(-END);
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + this.#pieceSize - this.#filled);
      from += part.length;
      this.#filling.push(part);
      this.#piece.update(part);
      this.#filled += part.length;
      if (this.#filled === this.#pieceSize) {
        this.#pieces.push(await this.#keepFilled());
        this.#filling = [];
        this.#filled = 0;
        this.#piece = createHash('sha256');
      }
    }
  }

  /** The file as far as it was given. Throws WharfError `storage_unavailable`. */
  async keep(): Promise<KeptFile> {
    const { tail } = cutFile(this.#path, this.#size);
    const pieces = [...this.#pieces];
    if (tail === 0 && this.#filled > 0) pieces.push(await this.#keepFilled());
    const rest = tail > 0 ? Buffer.concat(this.#filling) : Buffer.alloc(0);
    // A file that grows is hashed on after this.
    const sha256 = this.#whole?.copy().digest('hex') ?? pieces[0]?.sha256 ?? '';
    const file = { path: this.#path, size: this.#size, sha256, pieces, tail };
    return { file, tail: await this.#scratch.keepTail(rest) };
  }

  async #keepFilled(): Promise<ObjectRef> {
    const ref = { sha256: this.#piece.copy().digest('hex'), size: this.#filled };
    await this.#scratch.keepPiece(ref, this.#filling);
    return ref;
  }
}
