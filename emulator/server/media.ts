import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UploadResult } from '../protocol/messages.ts';
import { replaceFile } from './replace-file.ts';

/** A path this store gave out, and nothing else. */
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{32}$/;

/** Bytes of media messages: in memory, or, given a directory, in files. */
export class MediaStore {
  readonly #memory = new Map<string, Buffer>();
  readonly #directory: string | undefined;

  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /** @param type `image`, `ptt` ...: part of the path only */
  async put(type: string, bytes: Buffer): Promise<UploadResult> {
    const token = randomBytes(24).toString('base64url');
    if (this.#directory === undefined) {
      this.#memory.set(token, bytes);
    } else {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await replaceFile(join(this.#directory, token), bytes);
    }
    return {
      directPath: `/mms/${type}/${token}`,
      filehash: createHash('sha256').update(bytes).digest('base64'),
      size: bytes.length,
    };
  }

  /** The bytes behind a token, or undefined. */
  async get(token: string): Promise<Buffer | undefined> {
    if (!TOKEN_PATTERN.test(token)) return undefined;
    if (this.#directory === undefined) return this.#memory.get(token);
    return readFile(join(this.#directory, token)).catch(() => undefined);
  }

  clear(): void {
    this.#memory.clear();
  }
}
