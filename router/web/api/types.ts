import type { infer as Infer } from 'zod';
import type {
  Operation as BackupOperation,
  BackupSummary,
  backupListSchema,
  Restore,
} from '../../../fleet/backup/api.ts';
import type { QueueView } from '../../../fleet/queue/message-queues.ts';
import type { Announcement, SessionDetail, SessionStatus, SessionSummary } from '../../../fleet/records.ts';

/** A session in a list: what only a single session is sure to tell may be there or not. */
export type Session = SessionSummary & Partial<SessionDetail>;

/** What names a session. */
export interface SessionName {
  workspace_id: number | string;
  session_id: string;
}

/** How many sessions are in which state. */
export type Totals = Partial<Record<SessionStatus, number>>;

/** The key that somebody signed in with. */
export interface OwnKey {
  kind: 'admin' | 'workspace';
  workspace_id: number | string | null;
  name: string | null;
}

/** An instance as the fleet tells of it. */
export type Instance = {
  id: string;
  status: string;
  sessions: number;
  by_status: Totals;
  workspaces: number;
  /** Of its workspaces, those whose home is another instance. */
  away: number;
  /** Of its workspaces, those assigned to it and not yet taken by it. */
  unclaimed: number;
  /** `held`, `restarting` or `gone`. */
  lease?: string;
  lease_age_ms?: number | null;
  /** What the health monitor concludes; not there where it has not looked yet. */
  verdict?: string;
  verdict_reason?: string;
  draining?: boolean;
} & Partial<
  Pick<
    Announcement,
    | 'host'
    | 'incarnation'
    | 'capacity'
    | 'ready'
    | 'rss_mb'
    | 'browsers_pss_mb'
    | 'cpu'
    | 'chromium'
    | 'started_at'
  >
>;

/** `GET /api/fleet`, as far as the page shows it. */
export interface Fleet {
  instances: Instance[];
  sessions: number;
  redis: { ok: boolean };
  router: string;
  leader: string | null;
  frozen: { instances: string[]; limit: number } | null;
  waiting: { total: number; workspaces: { workspace_id: number | string; instance: string; why: string }[] };
  quarantined: (number | string)[];
  alarms: { kind: string; text: string }[];
}

/** What can be asked of the fleet, after a question. */
export type Operation =
  | { kind: 'drain' | 'undrain' | 'restart'; instance: string }
  | { kind: 'unfreeze'; instances: readonly string[] }
  | { kind: 'rebalance'; away: number };

/** A workspace, as `GET /api/fleet/workspaces` lists it. */
export interface Workspace {
  workspace_id: number | string;
  home: string;
  instance: string;
  epoch: number;
  claimed: boolean;
  sessions: number;
  ready: number;
}

/** A page of workspaces. */
export interface WorkspacePage {
  workspaces: Workspace[];
  next_cursor: string | null;
  total: number;
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
  ended_at: string | null;
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

/** What queues come to. */
export interface QueueTotals {
  queues: number;
  by_state: Readonly<Record<string, number>>;
  depth: number;
  oldest_at: string | null;
  sent_last_minute: number;
  failed: number;
}

/** A page of queues, the worst first, and what all that were asked for come to. */
export interface Queues {
  queues: Queue[];
  totals: QueueTotals;
  next_cursor: string | null;
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

/** An event that was given up. */
export interface DeadLetter {
  event_id: string;
  type: string;
  session_id: string | null;
  given_up_at: string;
  tries: number;
  status: number | null;
  reason: string;
}

/** Dead letters, the oldest first, and whether there are more. */
export interface DeadLetters {
  dead_letters: DeadLetter[];
  next_cursor: string | null;
}

/** A backup, as `GET /api/backups` lists it. */
export type Backup = BackupSummary;

/** What is backed up, and what the backup service did of late; the newest first. */
export interface Backups {
  list: Infer<typeof backupListSchema>;
  operations: BackupOperation[];
  restores: Restore[];
}

/** What to restore, and as of when; neither id: everything. */
export interface RestoreWish {
  /** `latest`, the id of a backup, or a time. */
  at: string;
  workspace_id?: string;
  session_id?: string;
  /** Also sessions that were relinked, logged out or deleted since. */
  force: boolean;
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
  next_cursor: string | null;
  /** Of those that were asked for, on this page or not. */
  total: number;
  /** How many there would be of each status, had none been asked for. */
  by_status: Totals;
}

/** `GET .../qr` as JSON. */
export interface QrCode {
  qr: string;
  expires_at: string | null;
  /** A data URL. */
  image: string;
}
