import type { infer as Infer } from 'zod';
import type { BackupSummary, backupListSchema, Operation } from '../../../fleet/backup/api.ts';
import type { QueueView } from '../../../fleet/queue/message-queues.ts';
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

/** A queue, as `GET /api/fleet/queues` lists it. */
export type Queue = SessionName & {
  state: string;
  /** What it waits for; may be empty. */
  reason: string;
} & Pick<QueueView, 'depth' | 'delayed' | 'oldest_at' | 'sent' | 'failed' | 'unknown' | 'sent_last_minute'>;

/** The first queues, the worst first, and what all of them come to. */
export interface Queues {
  queues: Queue[];
  totals: { queues: number; by_state: Readonly<Record<string, number>>; depth: number };
}

/** A webhook and how its receiver does, as `GET /api/fleet/webhooks` lists it. */
export interface Webhook {
  workspace_id: number | string;
  url: string;
  state: string;
  pending: number;
  oldest_pending_at: string | null;
  set_aside: number;
  dead_letters: number;
  last_taken_at: string | null;
  next_try_at: string | null;
  last_failure: { at: string; status: number | null; reason: string } | null;
}

/** A backup, as `GET /api/backups` lists it. */
export type Backup = BackupSummary;

/** What is backed up, and how the last runs went. */
export interface Backups {
  list: Infer<typeof backupListSchema>;
  /** The run before this moment; null where none was made since the service started. */
  lastRun: Operation | null;
}

/** An event as the stream brings it. */
export interface LiveEvent {
  id: string;
  type: string;
  timestamp: string;
  workspace_id: number | string | null;
  session_id: string | null;
  data: Readonly<Record<string, unknown>>;
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
