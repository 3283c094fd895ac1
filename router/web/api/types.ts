import type { Announcement, SessionDetail, SessionStatus, SessionSummary } from '../../../fleet/records.ts';

/** A session in a list: what only a single session is sure to tell may be there or not. */
export type Session = SessionSummary & Partial<SessionDetail>;

/** What names a session. */
export interface SessionName {
  workspace_id: number | string;
  session_id: string;
}

/** An instance as the fleet tells of it. */
export type Instance = {
  id: string;
  status: string;
  sessions: number;
  /** `held`, `restarting` or `gone`. */
  lease?: string;
  lease_age_ms?: number | null;
  /** What the health monitor concludes; not there where it has not looked yet. */
  verdict?: string;
  verdict_reason?: string;
  draining?: boolean;
} & Partial<
  Pick<Announcement, 'host' | 'capacity' | 'ready' | 'rss_mb' | 'browsers_pss_mb' | 'cpu' | 'announced_at'>
>;

/** `GET /api/fleet`, as far as the page shows it. */
export interface Fleet {
  instances: Instance[];
  redis: { ok: boolean };
  router: string;
  leader: string | null;
  frozen: { instances: string[]; limit: number } | null;
  waiting: { total: number };
  quarantined: (number | string)[];
  alarms: { kind: string; text: string }[];
}

/** A planned hand-over of a workspace, as `GET /api/fleet/moves` lists it. */
export interface Move {
  id: string;
  workspace_id: number | string;
  from: string;
  to: string | null;
  reason: string;
  state: 'queued' | 'closing' | 'adopting' | 'done' | 'failed';
  requested_at: string;
  error: string | null;
}

/** Something that happened to the fleet, as `GET /api/fleet/events` tells it. */
export interface FleetEvent {
  at: string;
  kind: string;
  text: string;
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
