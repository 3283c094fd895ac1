import type { Clock } from '../../common/clock.ts';
import { isWharfError, WharfError } from '../../common/errors.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import { instanceSessionPath } from '../../fleet/instance-api.ts';
import { findSoon } from '../../fleet/media/find-soon.ts';
import { mediaIdOf } from '../../fleet/media/media-ids.ts';
import type { MediaStore, StoredMedia } from '../../fleet/media/media-store.ts';
import { storedMediaSchema } from '../../fleet/media/received-media.ts';
import type { Forwarder } from '../proxy/forwarder.ts';
import { readAnswer } from '../proxy/pass-on.ts';

/** A file somebody wants, and where it comes from where it is of a received message. */
export interface WantedMedia {
  workspace: WorkspaceId;
  id: string;
  received: { session: SessionId; whatsappId: string } | null;
}

/** Throws WharfError `session_not_found` for a session that no instance has. */
export type RequireSession = (workspace: WorkspaceId, session: SessionId) => Promise<unknown>;

/** Milliseconds an instance may take to bring a file from WhatsApp. */
const PATIENCE = 120_000;

/** Finds files of messages; has those of received messages brought from WhatsApp when they are first asked for. */
export class MediaDesk {
  readonly #store: MediaStore;
  readonly #forwarder: Pick<Forwarder, 'send'>;
  readonly #requireSession: RequireSession;
  readonly #clock: Clock;

  constructor(
    store: MediaStore,
    forwarder: Pick<Forwarder, 'send'>,
    requireSession: RequireSession,
    clock: Clock,
  ) {
    this.#store = store;
    this.#forwarder = forwarder;
    this.#requireSession = requireSession;
    this.#clock = clock;
  }

  /**
   * What is known of a file.
   *
   * @throws WharfError `media_not_found`, also where WhatsApp no longer has it; `session_not_found`, `session_not_ready`,
   *   `instance_unavailable` where it is not kept yet and its session cannot bring it now; `storage_unavailable`
   */
  async find(wanted: WantedMedia, request: { id: string; caller: AbortSignal }): Promise<StoredMedia> {
    const { workspace, id, received } = wanted;
    try {
      return await this.#store.find(workspace, id);
    } catch (error) {
      if (received === null || !isWharfError(error, 'media_not_found')) throw error;
    }
    const key = { workspace, session: received.session };
    if (mediaIdOf(key, received.whatsappId) !== id) {
      throw new WharfError(
        'media_not_found',
        `${id} is not the media of that message. Use the url of the event as it is.`,
      );
    }
    await this.#requireSession(workspace, received.session);
    const answer = await this.#forwarder.send({
      workspace,
      method: 'POST',
      path: `${instanceSessionPath(workspace, received.session)}/media?${new URLSearchParams({ whatsapp_id: received.whatsappId })}`,
      requestId: request.id,
      caller: request.caller,
      repeatable: true,
      needsReady: true,
      patience: PATIENCE,
    });
    return await readAnswer(answer, storedMediaSchema);
  }

  /** A file's bytes, as {@link MediaStore.open}: another host may have written it a moment ago. */
  open(media: StoredMedia, workspace: WorkspaceId, range: { first: number; last: number } | undefined) {
    return findSoon(this.#clock, () => this.#store.open(workspace, media.media_id, range));
  }
}
