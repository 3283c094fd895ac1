import type { SessionStatus } from '../../fleet/records.ts';
import type { Happening } from '../whatsapp/client.ts';

/**
 * Hears what goes on in an instance's sessions: the outbox, which sends their messages, and the inbox, which makes events of what happens.
 * Nothing but `settle` may take time, and nothing may throw.
 *
 * @typeParam Session the class of that name, which imports this
 */
export interface SessionListener<Session> {
  /** Its state changed, also to `ready`: from then on messages can go. */
  changed(session: Session, from: SessionStatus, to: SessionStatus): void;
  /** There is a new QR to scan. */
  qr(session: Session, code: string): void;
  /** Something happened in its account. */
  happened(session: Session, happening: Happening): void;
  /** Its profile was lost, and a copy takes its place that is as it was then, milliseconds since 1970. */
  restored?(session: Session, takenAt: number): void;
  /** It is about to be closed for another owner: nothing new is begun, and this resolves when what is under way has come to its end. */
  settle(session: Session): Promise<void>;
  /** It is not here any more: deleted, or another's. */
  left(session: Session): void;
}
