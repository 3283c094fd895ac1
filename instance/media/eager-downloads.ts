import { messageIdOf, type SessionKey } from '../../fleet/queue/message-ids.ts';
import type { SessionListener } from '../session/listener.ts';
import type { Session } from '../session/session.ts';
import type { Happening } from '../whatsapp/client.ts';
import type { MediaDownloads } from './media-downloads.ts';

/** Fetches the media of every message as it comes (`MEDIA_DOWNLOAD=always`), while WhatsApp is sure to have it. */
export class EagerDownloads implements SessionListener<Session> {
  readonly #downloads: MediaDownloads;

  constructor(downloads: MediaDownloads) {
    this.#downloads = downloads;
  }

  happened(session: Session, happening: Happening): void {
    if (happening.kind !== 'message' || !happening.message.has_media) return;
    const { workspace_id: workspace, session_id } = session.record;
    const key: SessionKey = { workspace, session: session_id };
    const { whatsapp_id: whatsappId } = happening.message;
    // What was sent through Wharf is here already, or its address is known to whoever sent it.
    if (messageIdOf(key, whatsappId) !== undefined) return;
    this.#downloads.keepSoon(key, whatsappId, () => session.readyClient());
  }

  async settle(): Promise<void> {
    // Nobody waits for a download: whoever asks for the file has it fetched again.
  }

  changed(): void {}
  qr(): void {}
  left(): void {}
}
