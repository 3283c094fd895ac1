import type { SessionStatus } from '../../../fleet/records.ts';
import type { Session, SessionName } from '../api/types.ts';

/** How a status is to be taken: well, on its way, waiting for a person, wrong, or at rest. */
export type Tone = 'good' | 'progress' | 'attention' | 'bad' | 'idle';

/** What is shown of a status. */
interface Look {
  label: string;
  tone: Tone;
}

const SESSION_LOOKS: Readonly<Record<SessionStatus, Look>> = {
  starting: { label: 'Starting', tone: 'progress' },
  qr: { label: 'Waiting for scan', tone: 'attention' },
  pairing: { label: 'Waiting for code', tone: 'attention' },
  authenticated: { label: 'Syncing', tone: 'progress' },
  ready: { label: 'Ready', tone: 'good' },
  disconnected: { label: 'Reconnecting', tone: 'progress' },
  logged_out: { label: 'Logged out', tone: 'bad' },
  failed: { label: 'Failed', tone: 'bad' },
  stopped: { label: 'Stopped', tone: 'idle' },
  parked: { label: 'Parked', tone: 'idle' },
};

const OTHER_LOOKS: Readonly<Record<string, Look>> = {
  healthy: { label: 'Healthy', tone: 'good' },
  at_capacity: { label: 'At capacity', tone: 'attention' },
  draining: { label: 'Draining', tone: 'progress' },
  unhealthy: { label: 'Unhealthy', tone: 'bad' },
  gone: { label: 'Gone', tone: 'bad' },
  restarting: { label: 'Restarting', tone: 'progress' },
  dead: { label: 'Dead', tone: 'bad' },
  hand_over_by_redis: { label: 'Out of reach', tone: 'bad' },
  hand_over_by_http: { label: 'Without a lease', tone: 'bad' },
  revoke: { label: 'Storage is bad', tone: 'bad' },
  closing: { label: 'Closing', tone: 'progress' },
  adopting: { label: 'Adopting', tone: 'progress' },
  done: { label: 'Done', tone: 'good' },
  queued: { label: 'Queued', tone: 'progress' },
  sending: { label: 'Sending', tone: 'progress' },
  sent: { label: 'Sent', tone: 'good' },
  delivered: { label: 'Delivered', tone: 'good' },
  read: { label: 'Read', tone: 'good' },
  unknown: { label: 'Unknown', tone: 'attention' },
  stuck: { label: 'Stuck', tone: 'bad' },
  waiting: { label: 'Waiting', tone: 'attention' },
  limited: { label: 'At its limit', tone: 'progress' },
  flowing: { label: 'Flowing', tone: 'good' },
  idle: { label: 'Idle', tone: 'idle' },
  delivering: { label: 'Delivering', tone: 'good' },
  retrying: { label: 'Retrying', tone: 'attention' },
  circuit_open: { label: 'Takes nothing', tone: 'bad' },
  disabled: { label: 'Disabled', tone: 'bad' },
  complete: { label: 'Complete', tone: 'good' },
  partial: { label: 'Partial', tone: 'attention' },
  damaged: { label: 'Damaged', tone: 'bad' },
  running: { label: 'Running', tone: 'progress' },
  cancelled: { label: 'Cancelled', tone: 'idle' },
  undoing: { label: 'Undoing', tone: 'progress' },
  undone: { label: 'Undone', tone: 'idle' },
  preparing: { label: 'Preparing', tone: 'progress' },
  switching: { label: 'Switching', tone: 'progress' },
  restored: { label: 'Restored', tone: 'good' },
  refused: { label: 'Refused', tone: 'attention' },
  not_all_ready: { label: 'Not all ready', tone: 'progress' },
  claiming: { label: 'Taking over', tone: 'progress' },
};

/** The look of a status of a session, an instance, a message, a queue, a webhook or a backup; one that a newer router made up is shown as it is. */
export function lookOf(status: string): Look {
  const looks: Readonly<Record<string, Look>> = { ...OTHER_LOOKS, ...SESSION_LOOKS };
  return looks[status] ?? { label: status, tone: 'idle' };
}

/** All statuses of a session, in the order of its life. */
export const SESSION_STATUSES = Object.keys(SESSION_LOOKS) as SessionStatus[];

/** What is most likely wanted of a session in a status: one button beside it. */
export function nextStep(status: SessionStatus): 'link' | 'send' | 'start' | 'relink' | undefined {
  if (status === 'ready') return 'send';
  if (status === 'logged_out') return 'relink';
  if (status === 'stopped' || status === 'parked' || status === 'failed') return 'start';
  if (status === 'disconnected') return undefined;
  return 'link';
}

/** One text for a session's name: unique in the fleet. */
export function nameKey(name: SessionName): string {
  return `${name.workspace_id}/${name.session_id}`;
}

/** Changes that are read out one by one; more are summed up. */
const MOST_READ_OUT = 3;

/** What changed between two looks, as a sentence to read out; empty when nothing did. */
export function changesText(before: readonly Session[], now: readonly Session[]): string {
  const known = new Map(before.map((session) => [nameKey(session), session.status]));
  const changed = now.filter((session) => {
    const status = known.get(nameKey(session));
    return status !== undefined && status !== session.status;
  });
  if (changed.length > MOST_READ_OUT) return `${changed.length} sessions changed their status.`;
  return changed
    .map(
      (each) => `Session ${each.session_id} of workspace ${each.workspace_id}: ${lookOf(each.status).label}.`,
    )
    .join(' ');
}
