import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Parser } from 'tar';
import { archiveIndexSchema, type SessionCopy } from '../../fleet/backup/session-copy.ts';
import type { SessionCopies } from '../../instance/copies/session-copies.ts';

const never = new AbortController().signal;

/** A copy as it was fetched: the archive's entries by name, as this reads them, whatever the backup service does. */
export interface FetchedCopy {
  answer: SessionCopy;
  archive: Buffer;
  entries: Map<string, Buffer>;
}

/** Stands in for the backup service: asks for copies, fetches what it lacks, checks it, and ends them. */
export class FetchedCopies {
  /** What it has, by SHA-256. */
  readonly objects = new Map<string, Buffer>();
  /** Bytes of pieces that were fetched. */
  fetched = 0;
  readonly #copies: SessionCopies;
  readonly #workspace: string;

  constructor(copies: SessionCopies, workspace = '7') {
    this.#copies = copies;
    this.#workspace = workspace;
  }

  async take(session = 'main', signal: AbortSignal = never): Promise<FetchedCopy> {
    const workspace = this.#workspace;
    const answer = await this.#copies.make(workspace, session, [...this.objects.keys()], signal);
    if (answer.copy === null || answer.archive === null) throw new Error('only its record was copied');
    const name = { workspace, session, copy: answer.copy };
    for (const { sha256, size } of answer.pieces) {
      if (this.objects.has(sha256)) continue;
      const bytes = await this.#copies.read(name, sha256, (path) => readFile(path));
      if (hashOf(bytes) !== sha256 || bytes.length !== size)
        throw new Error(`the piece ${sha256} is another`);
      this.objects.set(sha256, bytes);
      this.fetched += size;
    }
    const archive = await this.#copies.read(name, null, (path) => readFile(path));
    if (hashOf(archive) !== answer.archive.sha256) throw new Error('the archive is another');
    await this.#copies.end(name);
    return { answer, archive, entries: await entriesOf(archive) };
  }

  /** The files of a copy by path, each checked against its hash. */
  filesOf({ entries }: FetchedCopy): Map<string, Buffer> {
    const index = archiveIndexSchema.parse(JSON.parse(String(entries.get('files.json'))));
    return new Map(
      index.files.map(({ path, pieces, sha256, size, tail }) => {
        const parts = pieces.map((piece) => this.objects.get(piece.sha256) ?? Buffer.alloc(0));
        const bytes = Buffer.concat([...parts, entries.get(`profile/${path}`) ?? Buffer.alloc(0)]);
        const rest = bytes.length - parts.reduce((sum, part) => sum + part.length, 0);
        if (bytes.length !== size || hashOf(bytes) !== sha256 || rest !== tail)
          throw new Error(
            `${path} is another than it was said to be: ${bytes.length} bytes, ${rest} of them its tail; not ${size}, ${tail}`,
          );
        return [path, bytes];
      }),
    );
  }

  /** Makes a user data directory of a copy. */
  async assemble(copy: FetchedCopy, to: string): Promise<void> {
    await mkdir(to, { recursive: true, mode: 0o700 });
    for (const [path, bytes] of this.filesOf(copy)) {
      await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
      await writeFile(join(to, path), bytes, { mode: 0o600 });
    }
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function entriesOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const reading: Promise<[string, Buffer]>[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => reading.push(buffer(entry).then((bytes) => [entry.path, bytes])),
  });
  const ended = once(parser, 'end');
  parser.end(archive);
  await ended;
  return new Map(await Promise.all(reading));
}
