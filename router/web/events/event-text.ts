import type { LiveEvent } from '../api/types.ts';

/** Kinds of events, by what their types begin with; `fleet` is all that is of neither messages nor sessions. */
export const KINDS = ['message', 'session', 'fleet'] as const;

export const KIND_TEXTS: Readonly<Record<(typeof KINDS)[number], string>> = {
  message: 'Messages',
  session: 'Sessions',
  fleet: 'Fleet and backups',
};

/** Whether an event is of a kind; of any, where none is named. */
export function isOfKind({ type }: LiveEvent, kind: string): boolean {
  const [family] = type.split('.');
  if (kind === 'message' || kind === 'session') return family === kind;
  return kind === '' || (family !== 'message' && family !== 'session');
}

/** Whose event it is. */
export function whoseText({ workspace_id, session_id }: LiveEvent): string {
  if (workspace_id === null) return '';
  return session_id === null ? `Workspace ${workspace_id}` : `${session_id} of workspace ${workspace_id}`;
}

/** What is worth showing of each event's data, in this order. */
const WORTHY = [
  'status',
  'text',
  'instance',
  'from',
  'to',
  'why',
  'emoji',
  'reason',
  'message_id',
  'whatsapp_id',
];

/** Characters of one value. */
const LONGEST = 120;

/** What an event says, in one line. */
export function eventText({ type, data }: LiveEvent): string {
  // The code would be out of date before it is read; the session's dialog shows the one of now.
  if (type === 'session.qr') return 'A new code to scan';
  return WORTHY.flatMap((name) => {
    const value = data[name];
    if (typeof value !== 'string' || value === '') return [];
    return [`${name}: ${value.length > LONGEST ? `${value.slice(0, LONGEST)} …` : value}`];
  }).join(' · ');
}
