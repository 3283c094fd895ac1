import { z } from 'zod';
import type { Style } from './style.ts';
import { NOTHING, oneLine } from './text.ts';

/** What a line needs of an event; the rest passes through to `--json`. */
export const eventSchema = z.looseObject({
  type: z.string(),
  timestamp: z.string(),
  workspace_id: z.union([z.string(), z.number()]).nullable(),
  session_id: z.string().nullable(),
  data: z.looseObject({}),
});
export type ShownEvent = z.infer<typeof eventSchema>;

/** Types as wide as most of them. */
const WIDTH = 20;
/** Characters of an event's data on its line. */
const LONGEST = 160;

/** What is worth showing of each event's data, in this order; what is not there is left out. */
const WORTHY = [
  'status',
  'message_id',
  'whatsapp_id',
  'instance',
  'from',
  'to',
  'why',
  'kind',
  'emoji',
  'reason',
  'text',
  'backup',
  'restore',
  'state',
  'what',
  'restored_from',
] as const;

/** An event on one line for people: when, what, whose, and what is worth knowing of it. */
export function eventLine(
  style: Style,
  { type, timestamp, workspace_id, session_id, data }: ShownEvent,
): string {
  const whose =
    workspace_id === null ? NOTHING : [workspace_id, session_id].filter((id) => id !== null).join('/');
  const parts = WORTHY.flatMap((name) => {
    const value = data[name];
    return typeof value === 'string' && value !== '' ? [`${style.dim(name)} ${oneLine(value, LONGEST)}`] : [];
  });
  return `${style.dim(timestamp)}  ${type.padEnd(WIDTH)}  ${style.bold(oneLine(whose, 130))}  ${parts.join('  ')}`.trimEnd();
}
