import type { Readable } from 'node:stream';
import type { WorkspaceId } from '../ids.ts';
import type { FolderEntry, MediaFolder } from './media-folder.ts';
import type { ByteRange } from './media-store.ts';

/** A folder whose code is loaded when it is first used. */
export class LateMediaFolder implements MediaFolder {
  readonly #load: () => Promise<MediaFolder>;
  #loaded: Promise<MediaFolder> | undefined;

  constructor(load: () => Promise<MediaFolder>) {
    this.#load = load;
  }

  async write(workspace: WorkspaceId, name: string, content: AsyncIterable<Buffer>): Promise<void> {
    await (await this.#folder()).write(workspace, name, content);
  }

  async create(workspace: WorkspaceId, name: string, text: string): Promise<boolean> {
    return await (await this.#folder()).create(workspace, name, text);
  }

  async read(workspace: WorkspaceId, name: string): Promise<string | null> {
    return await (await this.#folder()).read(workspace, name);
  }

  async open(workspace: WorkspaceId, name: string, range?: ByteRange): Promise<Readable | null> {
    return await (await this.#folder()).open(workspace, name, range);
  }

  async list(workspace: WorkspaceId): Promise<FolderEntry[]> {
    return await (await this.#folder()).list(workspace);
  }

  async remove(workspace: WorkspaceId, name: string): Promise<void> {
    await (await this.#folder()).remove(workspace, name);
  }

  close(): void {
    // Code that could not be loaded has nothing to close; whoever wanted to use it was told.
    this.#loaded?.then((folder) => folder.close()).catch(() => {});
  }

  #folder(): Promise<MediaFolder> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }
}
