import type { Clock } from '../../common/clock.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { openSoon } from '../../fleet/media/find-soon.ts';
import { mediaLimit, mediaTooLarge } from '../../fleet/media/media-limits.ts';
import type { MediaStore } from '../../fleet/media/media-store.ts';
import type { Media } from '../../fleet/messages.ts';
import type { MediaContent } from '../whatsapp/client.ts';
import { base64Length, toBase64 } from './base64.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { UrlMedia } from './url-media.ts';

/** Media in memory. Whoever has it releases it as soon as the page took it, or will not: others wait for its room. */
export interface MediaAtHand extends MediaContent {
  release(): void;
}

/** What a fetcher works with. */
export interface MediaFetcherParts {
  store: MediaStore;
  urls: UrlMedia;
  budget: MemoryBudget;
  clock: Clock;
  /** Bytes a file of a type may have. */
  limit?: (mimetype: string) => number;
}

/** Brings the media of messages into memory, as the library wants it: in base64, in one piece. */
export class MediaFetcher {
  readonly #parts: MediaFetcherParts;
  readonly #limit: (mimetype: string) => number;

  constructor(parts: MediaFetcherParts) {
    this.#parts = parts;
    this.#limit = parts.limit ?? mediaLimit;
  }

  /**
   * The media of a message, at hand.
   *
   * @throws WharfError `media_refused` (an address that is not public, a page in place of a file, too many redirects), `media_too_large`,
   *   `media_unreachable`, `media_not_found`, `storage_unavailable`
   */
  async prepare(workspace: WorkspaceId, media: Media): Promise<MediaAtHand> {
    if ('data' in media) return await this.#ofBody(workspace, media);
    if ('media_id' in media) return await this.#ofStore(workspace, media);
    return await this.#ofUrl(workspace, media);
  }

  async close(): Promise<void> {
    await this.#parts.urls.close();
  }

  async #ofBody(workspace: WorkspaceId, media: Extract<Media, { data: string }>): Promise<MediaAtHand> {
    const { data, mimetype } = media;
    this.#requireSize(Buffer.byteLength(data, 'base64'), mimetype);
    const release = await this.#parts.budget.take(workspace, data.length);
    return { mimetype, data, filename: media.filename ?? null, release };
  }

  async #ofStore(workspace: WorkspaceId, media: Extract<Media, { media_id: string }>): Promise<MediaAtHand> {
    const { clock, store } = this.#parts;
    const { media: stored, stream } = await openSoon(clock, store, workspace, media.media_id);
    const mimetype = media.mimetype ?? stored.mimetype;
    try {
      this.#requireSize(stored.size, mimetype);
      return await this.#encode(workspace, stored.size, () => stream, {
        mimetype,
        filename: media.filename ?? stored.filename,
      });
    } finally {
      stream.destroy();
    }
  }

  async #ofUrl(workspace: WorkspaceId, media: Extract<Media, { url: string }>): Promise<MediaAtHand> {
    const answer = await this.#parts.urls.open(media.url, media.mimetype);
    const { mimetype, size } = answer;
    try {
      if (size !== null) this.#requireSize(size, mimetype);
      const limit = this.#limit(mimetype);
      return await this.#encode(workspace, size ?? limit, () => answer.body(limit), {
        mimetype,
        filename: media.filename ?? answer.filename,
      });
    } finally {
      answer.abandon();
    }
  }

  /** @param size bytes it has at most */
  async #encode(
    workspace: WorkspaceId,
    size: number,
    read: () => AsyncIterable<Buffer>,
    description: { mimetype: string; filename: string | null },
  ): Promise<MediaAtHand> {
    const release = await this.#parts.budget.take(workspace, base64Length(size));
    try {
      return { ...description, data: await toBase64(read()), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #requireSize(bytes: number, mimetype: string): void {
    const limit = this.#limit(mimetype);
    if (bytes > limit) throw mediaTooLarge(limit);
  }
}
