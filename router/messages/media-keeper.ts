import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Clock } from '../../common/clock.ts';
import { findSoon } from '../../fleet/media/find-soon.ts';
import { isNewMediaId } from '../../fleet/media/media-ids.ts';
import type { MediaStore } from '../../fleet/media/media-store.ts';
import { MAX_MEDIA_BYTES, type OutgoingMessage } from '../../fleet/messages.ts';
import type { MessageId } from '../../fleet/queue/message-ids.ts';

/** A message with media. */
export type MediaMessage = Extract<OutgoingMessage, { media: unknown }>;

/** Characters of base64 that are decoded at a time: a multiple of four, so that every slice stands for whole bytes. */
const SLICE = 64 * 1024;

/** Keeps the media of messages until they are sent, so that the queue never holds a file. */
export class MediaKeeper {
  readonly #store: Pick<MediaStore, 'put' | 'find'>;
  readonly #clock: Clock;

  constructor(store: Pick<MediaStore, 'put' | 'find'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * The message with its media stored and named; what is an address stays one. A file that was uploaded before is looked for, since a message
   * must not fail later for what can be known now.
   *
   * @throws WharfError `media_too_large`, `media_not_found`, `storage_unavailable`
   */
  async keep(workspace: string, messageId: MessageId, message: MediaMessage): Promise<MediaMessage> {
    const { media } = message;
    if ('url' in media) return message;
    if ('media_id' in media) {
      const { media_id } = media;
      const find = () => this.#store.find(workspace, media_id);
      // Another router may have taken it a moment ago.
      await (isNewMediaId(media_id, this.#clock.now()) ? findSoon(this.#clock, find) : find());
      return message;
    }
    const { data, mimetype, filename } = media;
    const description = { mimetype, filename: filename ?? null };
    const bytes = Readable.from(decoded(data), { objectMode: false });
    // Named after the message: whoever tries again stores no second copy.
    const stored = await this.#store.put(
      workspace,
      bytes,
      description,
      MAX_MEDIA_BYTES,
      mediaIdOfMessage(messageId),
    );
    const named = {
      media_id: stored.media_id,
      mimetype,
      ...(filename === undefined ? {} : { filename }),
    };
    return { ...message, media: named };
  }
}

function mediaIdOfMessage(messageId: MessageId): string {
  return `med_${createHash('sha256').update(messageId).digest('hex').slice(0, 32)}`;
}

function* decoded(data: string): Generator<Buffer> {
  for (let start = 0; start < data.length; start += SLICE) {
    yield Buffer.from(data.slice(start, start + SLICE), 'base64');
  }
}
