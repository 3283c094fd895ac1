import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { mediaIdOf } from '../../fleet/media/media-ids.ts';
import { LARGEST_MEDIA } from '../../fleet/media/media-limits.ts';
import type { MediaStore, StoredMedia } from '../../fleet/media/media-store.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import type { WhatsAppClient } from '../whatsapp/client.ts';
import { MemoryBudget } from './memory-budget.ts';

/** What {@link MediaDownloads} work with. */
export interface MediaDownloadsParts {
  store: MediaStore;
  log: Logger;
}

/** Downloads at one time, and those of one workspace: each is held whole by its page. */
const AT_ONE_TIME = 4;
const OF_ONE_WORKSPACE = 2;

/** Brings media of messages from WhatsApp into the store, each once. */
export class MediaDownloads {
  readonly #parts: MediaDownloadsParts;
  readonly #turns = new MemoryBudget(AT_ONE_TIME, OF_ONE_WORKSPACE);
  readonly #underWay = new Map<string, Promise<StoredMedia>>();

  constructor(parts: MediaDownloadsParts) {
    this.#parts = parts;
  }

  /**
   * The media of a message, kept under the id that follows from the message's.
   *
   * @param client the session's, asked for when it is needed
   * @throws WharfError `media_not_found`, `media_too_large`, `media_unreachable`, `storage_unavailable`; what `client` throws
   */
  async keep(
    session: SessionKey,
    whatsappId: string,
    client: () => Pick<WhatsAppClient, 'media'>,
  ): Promise<StoredMedia> {
    const id = mediaIdOf(session, whatsappId);
    const underWay = this.#underWay.get(id);
    if (underWay) return await underWay;
    const keeping = this.#keep(session, id, whatsappId, client);
    this.#underWay.set(id, keeping);
    try {
      return await keeping;
    } finally {
      this.#underWay.delete(id);
    }
  }

  /** {@link MediaDownloads.keep}, with nobody waiting: a failure is logged, and made good when somebody asks for the file. */
  keepSoon(session: SessionKey, whatsappId: string, client: () => Pick<WhatsAppClient, 'media'>): void {
    this.keep(session, whatsappId, client).catch((error: unknown) =>
      this.#parts.log.warn(
        { workspace: session.workspace, session: session.session, reason: messageOf(error) },
        'the media of a message could not be fetched; it is tried again when it is asked for',
      ),
    );
  }

  async #keep(
    session: SessionKey,
    id: string,
    whatsappId: string,
    client: () => Pick<WhatsAppClient, 'media'>,
  ): Promise<StoredMedia> {
    const { store } = this.#parts;
    try {
      return await store.find(session.workspace, id);
    } catch (error) {
      if (!isWharfError(error, 'media_not_found')) throw error;
    }
    const release = await this.#turns.take(session.workspace, 1);
    try {
      const { mimetype, filename, stream } = await client().media(whatsappId);
      const description = { mimetype: cleanType(mimetype), filename: cleanName(filename) };
      return await store.put(session.workspace, stream, description, LARGEST_MEDIA, id);
    } finally {
      release();
    }
  }
}

/** What the sender says it is: anybody, and nothing we may count on. */
function cleanType(mimetype: string | null): string {
  return mimetype !== null && /^[\w.+-]{1,60}\/[\w.+-]{1,60}(\s*;[\x20-\x7e]{0,60})?$/.test(mimetype)
    ? mimetype
    : 'application/octet-stream';
}

function cleanName(filename: string | null): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  const name = filename?.replace(/[/\\\x00-\x1f\x7f]/g, '_').slice(0, 200) ?? '';
  return name === '' ? null : name;
}
