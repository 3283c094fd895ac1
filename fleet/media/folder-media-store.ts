import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { WorkspaceId } from '../ids.ts';
import { type Measure, measured, verified } from './checked-stream.ts';
import type { MediaFolder } from './media-folder.ts';
import { isMediaId, type MediaId, mediaIdSchema, newMediaId } from './media-ids.ts';
import type { ByteRange, MediaDescription, MediaStore, StoredMedia } from './media-store.ts';

/** What is written down of a file. */
const recordSchema = z.object({
  media_id: mediaIdSchema,
  mimetype: z.string(),
  filename: z.string().nullable(),
  size: z.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  stored_at: z.iso.datetime(),
  /** Where the bytes are. */
  file: z.string().regex(/^med_[0-9a-f]{32}\.[0-9a-f]{16}$/),
});
type MediaRecord = z.infer<typeof recordSchema>;

const RECORD = /^(med_[0-9a-f]{32})\.json$/;

/**
 * Keeps media in a folder, two files each: the bytes, under a name nobody used before, and then the record `{media_id}.json`, which
 * names them. The record is created exclusively, and media without one does not exist: so whoever dies in between leaves bytes that the purge
 * removes, and of two who bring the same file one wins.
 */
export class FolderMediaStore implements MediaStore {
  readonly #folder: MediaFolder;
  readonly #clock: Clock;

  constructor(folder: MediaFolder, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async put(
    workspace: WorkspaceId,
    source: Readable,
    description: MediaDescription,
    limit: number,
    id: MediaId = newMediaId(this.#clock.now()),
  ): Promise<StoredMedia> {
    const known = await this.#read(workspace, id);
    if (known !== null) {
      source.destroy();
      return shown(known);
    }
    const file = `${id}.${randomBytes(8).toString('hex')}`;
    try {
      const measure = await this.#write(workspace, file, source, description, limit);
      const record: MediaRecord = {
        media_id: id,
        mimetype: description.mimetype,
        filename: description.filename,
        ...measure,
        stored_at: new Date(this.#clock.now()).toISOString(),
        file,
      };
      if (await this.#folder.create(workspace, recordName(id), `${JSON.stringify(record)}\n`))
        return shown(record);
    } finally {
      source.destroy();
    }
    // Somebody else brought the same file meanwhile.
    await this.#folder.remove(workspace, file);
    return await this.find(workspace, id);
  }

  async find(workspace: WorkspaceId, id: MediaId): Promise<StoredMedia> {
    return shown(await this.#require(workspace, id));
  }

  async open(
    workspace: WorkspaceId,
    id: MediaId,
    range?: ByteRange,
  ): Promise<{ media: StoredMedia; stream: Readable }> {
    const record = await this.#require(workspace, id);
    const stored = await this.#folder.open(workspace, record.file, range);
    if (stored === null) throw notFound(id);
    if (range !== undefined) return { media: shown(record), stream: stored };
    const stream = Readable.from(verified(stored, record, id), { objectMode: false });
    // A generator that nobody began does not end what it would have read from.
    stream.once('close', () => stored.destroy());
    return { media: shown(record), stream };
  }

  async remove(workspace: WorkspaceId, id: MediaId): Promise<boolean> {
    const record = await this.#read(workspace, id);
    if (record === null) return false;
    // The record first: bytes without one are purged, a record without bytes would promise what is gone.
    await this.#folder.remove(workspace, recordName(id));
    await this.#folder.remove(workspace, record.file);
    return true;
  }

  async purge(workspace: WorkspaceId, before: number): Promise<number> {
    const entries = await this.#folder.list(workspace);
    const isOld = ({ time }: { time: number }) => time < before;
    const records = entries.filter(({ name }) => RECORD.test(name));
    const kept = new Set(records.filter((entry) => !isOld(entry)).map(({ name }) => RECORD.exec(name)?.[1]));
    const old = records.filter(isOld);
    for (const { name } of old) await this.#folder.remove(workspace, name);
    for (const entry of entries) {
      if (!RECORD.test(entry.name) && isOld(entry) && !kept.has(entry.name.split('.')[0]))
        await this.#folder.remove(workspace, entry.name);
    }
    return old.length;
  }

  close(): void {
    this.#folder.close();
  }

  async #write(
    workspace: WorkspaceId,
    file: string,
    source: Readable,
    description: MediaDescription,
    limit: number,
  ): Promise<Measure> {
    let measure: Measure | undefined;
    const note = (seen: Measure) => {
      measure = seen;
    };
    await this.#folder.write(workspace, file, measured(source, limit, description, note));
    if (measure === undefined) throw new Error('the folder did not take all of the stream');
    return measure;
  }

  async #require(workspace: WorkspaceId, id: MediaId): Promise<MediaRecord> {
    const record = await this.#read(workspace, id);
    if (record === null) throw notFound(id);
    return record;
  }

  async #read(workspace: WorkspaceId, id: MediaId): Promise<MediaRecord | null> {
    if (!isMediaId(id)) throw notFound(id);
    const text = await this.#folder.read(workspace, recordName(id));
    if (text === null) return null;
    try {
      const record = recordSchema.parse(JSON.parse(text));
      // A record that names another's bytes was not written by us.
      if (record.media_id === id && record.file.startsWith(`${id}.`)) return record;
      throw new Error('it is of another file');
    } catch (error) {
      throw new WharfError(
        'storage_unavailable',
        `The record of ${id} of workspace ${workspace} cannot be understood. Upload the file again, or move the record away.`,
        { cause: error },
      );
    }
  }
}

function recordName(id: MediaId): string {
  return `${id}.json`;
}

function shown({ file: _file, ...media }: MediaRecord): StoredMedia {
  return media;
}

function notFound(id: string): WharfError {
  return new WharfError(
    'media_not_found',
    `There is no media ${id.slice(0, 60)}, or it is no longer kept. Upload it again.`,
  );
}
