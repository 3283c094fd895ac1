import type { Readable } from 'node:stream';
import { Parser, type ReadEntry } from 'tar';
import { messageOf } from '../../common/errors.ts';
import { INDEX_ENTRY, TAIL_PREFIX } from '../../fleet/backup/archive.ts';
import type { CopiedFile } from '../../fleet/backup/session-copy.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import { damagedArchive } from './archive-faults.ts';
import { readIndex } from './archive-index.ts';

/** Bytes of the largest `files.json` that is read: some 200 000 files. */
const LARGEST_INDEX = 64 * 1024 * 1024;

/** What an archive holds of a file: what stands behind its pieces. */
export interface Tail {
  file: CopiedFile;
  bytes: Buffer;
}

/**
 * Reads an archive strictly: `files.json` first, then of each file in it, at most once, `profile/{path}` with exactly the bytes that are not in pieces. Anything else
 * (links, devices, directories, other names, more or fewer bytes) is a fault: nothing of an archive decides where something is written but paths that the index's schema took.
 *
 * Yields tails in stretches, as many as came at once; nothing more is read before a stretch is taken. What was yielded is good only once all of it was
 * read: the archive's own hash is known at its end.
 *
 * @param content the archive's bytes; destroyed when the reading ends, however it does
 * @param begin gets all files, checked against the manifest, before the first tail
 * @throws WharfError `backup_damaged` that names archive, session and fault; whatever `content` and `begin` throw
 */
export async function* readArchive(
  session: BackedUpSession,
  content: Readable,
  begin: (files: CopiedFile[]) => Promise<void>,
): AsyncGenerator<Tail[]> {
  const reader = new ArchiveReader(session);
  let begun = false;
  for await (const chunk of content) {
    const tails = reader.feed(chunk);
    if (!begun && reader.files !== null) {
      begun = true;
      await begin(reader.files);
    }
    if (tails.length > 0) yield tails;
  }
  const rest = reader.end();
  if (rest.length > 0) yield rest;
}

/** What is done with an entry: at most so many bytes of it are taken. */
interface Use {
  most: number;
  done: (bytes: Buffer) => void;
}

/** Takes an archive in chunks and gives out what is whole by then. Entries flow at once, so that after each chunk nothing but the last entry is half-read. */
class ArchiveReader {
  files: CopiedFile[] | null = null;
  readonly #session: BackedUpSession;
  readonly #parser: Parser;
  readonly #expected = new Map<string, CopiedFile>();
  #ready: Tail[] = [];
  #fault: Error | null = null;

  constructor(session: BackedUpSession) {
    this.#session = session;
    this.#parser = new Parser({ strict: true, onReadEntry: (entry) => this.#take(entry) });
    this.#parser.on('error', (error) => this.#refuse(`its tar is broken (${messageOf(error)})`, error));
    this.#parser.on('ignoredEntry', (entry: ReadEntry) =>
      this.#refuse(`it holds ${JSON.stringify(entry.path)}, of a kind that has no place in it`),
    );
  }

  /** Throws WharfError `backup_damaged`. */
  feed(chunk: Buffer): Tail[] {
    this.#parser.write(chunk);
    return this.#given();
  }

  /** The archive is at its end. Throws WharfError `backup_damaged`, also where something is missing. */
  end(): Tail[] {
    this.#parser.end();
    const tails = this.#given();
    if (this.files === null) throw damagedArchive(this.#session, `it has no ${INDEX_ENTRY}`);
    const missing = [...this.#expected.values()].find(({ tail }) => tail > 0);
    if (missing) throw damagedArchive(this.#session, `what it should hold of ${missing.path} is missing`);
    return tails;
  }

  #given(): Tail[] {
    if (this.#fault !== null) throw this.#fault;
    const tails = this.#ready;
    this.#ready = [];
    return tails;
  }

  /** The first fault counts: what comes after it may follow from it. */
  #refuse(what: string, cause?: unknown): void {
    this.#fault ??= damagedArchive(this.#session, what, cause);
  }

  #take(entry: ReadEntry): void {
    const use = this.#useOf(entry);
    if (typeof use === 'string') this.#refuse(use);
    if (this.#fault !== null || typeof use === 'string') entry.resume();
    else this.#collect(entry, use.most, use.done);
  }

  /** What an entry is good for: the most bytes it may have, and what is done with them; or why it has no place. */
  #useOf(entry: ReadEntry): Use | string {
    const shown = JSON.stringify(entry.path.slice(0, 200));
    if (entry.type !== 'File' && entry.type !== 'OldFile')
      return `${shown} in it is no plain file, but of type ${entry.type}`;
    if (this.files === null) {
      if (entry.path !== INDEX_ENTRY) return `it begins with ${shown}, not with ${INDEX_ENTRY}`;
      return { most: LARGEST_INDEX, done: (bytes) => this.#takeIndex(bytes) };
    }
    const file =
      entry.path.startsWith(TAIL_PREFIX) && this.#expected.get(entry.path.slice(TAIL_PREFIX.length));
    if (!file) return `it holds ${shown}, which its ${INDEX_ENTRY} does not name, or a second time`;
    this.#expected.delete(file.path);
    return { most: file.tail, done: (bytes) => this.#takeTail(file, bytes) };
  }

  #takeIndex(bytes: Buffer): void {
    try {
      this.files = readIndex(this.#session, bytes.toString('utf8'));
      for (const file of this.files) this.#expected.set(file.path, file);
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  #takeTail(file: CopiedFile, bytes: Buffer): void {
    if (bytes.length === file.tail) this.#ready.push({ file, bytes });
    else this.#refuse(`it holds ${bytes.length} bytes of ${file.path}, and should hold ${file.tail}`);
  }

  /** Gathers an entry's bytes, at most so many. */
  #collect(entry: ReadEntry, most: number, done: (bytes: Buffer) => void): void {
    const chunks: Buffer[] = [];
    let size = 0;
    entry.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else this.#refuse(`${JSON.stringify(entry.path.slice(0, 200))} in it is longer than it should be`);
    });
    entry.on('end', () => {
      if (this.#fault === null) done(Buffer.concat(chunks));
    });
  }
}
