import type { Announcement, SessionDetail, SessionStatus, SessionSummary } from '../../../fleet/records.ts';

/** A session in a list: what only a single session is sure to tell may be there or not. */
export type Session = SessionSummary & Partial<SessionDetail>;

/** What names a session. */
export interface SessionName {
  workspace_id: number | string;
  session_id: string;
}

/** An instance as the fleet tells of it. */
export type Instance = { id: string; status: string; sessions: number } & Partial<
  Pick<Announcement, 'host' | 'capacity' | 'ready' | 'rss_mb' | 'browsers_pss_mb' | 'cpu' | 'announced_at'>
>;

/** `GET /api/fleet`, as far as the page shows it. */
export interface Fleet {
  instances: Instance[];
  redis: { ok: boolean };
}

/** A page of `GET /api/whatsapp/sessions`. */
export interface SessionPage {
  sessions: Session[];
  next_cursor?: string | null;
}

/** `GET .../qr` as JSON. */
export interface QrCode {
  qr: string;
  expires_at: string | null;
  /** A data URL. */
  image: string;
}

/** How many sessions are in which state. */
export type Totals = Partial<Record<SessionStatus, number>>;
